"""`/signin`, `/signin-oidc` and `/signout`."""

import base64
import binascii
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp_jinja2 import render_template
from aiohttp_session import get_session, new_session

from mcpsecurity_webclient.auth.entra import EntraClient, SignedIn
from mcpsecurity_webclient.auth.flows import FlowStore, SignInFlows
from mcpsecurity_webclient.auth.person import PERSON, public
from mcpsecurity_webclient.auth.urls import safe_next
from mcpsecurity_webclient.errors import SignInError
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.settings import WebSettings

_MAX_CLAIMS = 4000

Clock = Callable[[], float]
EndSession = Callable[[str, str], Awaitable[None]]
"""Ends everything of a session: its id and why."""


class _Auth:
    def __init__(
        self, settings: WebSettings, entra: EntraClient, end: EndSession, flows: FlowStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._entra = entra
        self._end = end
        self._clock = clock
        self._flows = SignInFlows(flows, secure=settings.secure, clock=clock)

    @public
    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Begin a sign-in: for more than usual when `claims` or `scope` say so, as a server asked.

        Several can be under way in one browser.
        """
        options: dict[str, Any] = {}
        if claims := _claims(request.query.get("claims", "")):
            options["claims_challenge"] = claims
        if PERSON in request:
            options["login_hint"] = request[PERSON].username
        try:
            flow = await self._entra.begin(request.query.get("scope"), **options)
        except SignInError as error:
            return _failed(request, error)
        found = web.HTTPFound(flow["auth_uri"])
        await self._flows.begin(request, found, flow, safe_next(request.query.get("next")))
        raise found

    @public
    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Complete a sign-in that this browser began. One that is completed leads to the chat: Back comes
        here again."""
        begun = await self._flows.take(request)
        response: web.StreamResponse
        if begun is None and await self._completed(request):
            response = web.HTTPFound("/")
        elif begun is None:
            text = _("This sign-in expired or was started elsewhere. Please try again.")
            response = _failed(request, SignInError(text))
        else:
            sid = secrets.token_urlsafe(16)
            try:
                person = await self._entra.complete(begun.flow, request.query, sid)
            except SignInError as error:
                response = _failed(request, error)
            else:
                await self._signed_in(request, person, sid)
                response = web.HTTPFound(begun.next)
        self._flows.finish(request, response)
        if isinstance(response, web.HTTPException):
            raise response
        return response

    async def _completed(self, request: web.Request) -> bool:
        """Tell whether the person is signed in by the very sign-in that the request's `state` names."""
        user = (await get_session(request)).get("user")
        return PERSON in request and user is not None and user.get("state") == _digest(request)

    async def _signed_in(self, request: web.Request, person: SignedIn, sid: str) -> None:
        """Begin a session under a new cookie. The same person's goes on in it; another's is over."""
        before = (await get_session(request)).get("user")
        same = before is not None and before["oid"] == person.object_id and before["tid"] == person.tenant_id
        if before is not None and same:
            await self._entra.adopt(before["sid"], sid)
            sid = before["sid"]
        elif before is not None:
            await self._end(before["sid"], "signed_out")
        renewed = await new_session(request)
        renewed["user"] = {
            "sid": sid,
            "oid": person.object_id,
            "tid": person.tenant_id,
            "name": person.name,
            "username": person.username,
            "login_hint": person.login_hint,
            "state": _digest(request),
            "roles": list(person.roles),
            "csrf": before["csrf"] if before is not None and same else secrets.token_urlsafe(24),
            "renewed": self._clock(),
            "since": before["since"] if before is not None and same else self._clock(),
            "expires_at": self._clock() + self._settings.session_lifetime,
        }

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session here and at Entra ID."""
        session = await get_session(request)
        user = session["user"]
        await self._end(user["sid"], "signed_out")
        session.invalidate()
        url = await self._entra.sign_out_url(
            f"{self._settings.url}/signout-callback-oidc", user.get("login_hint")
        )
        raise web.HTTPSeeOther(url)

    @public
    async def signed_out(self, request: web.Request) -> web.StreamResponse:
        """Say that it is over."""
        return render_template("signed_out.html", request, {})


def add_auth_routes(
    app: web.Application,
    settings: WebSettings,
    entra: EntraClient,
    end: EndSession,
    flows: FlowStore,
    clock: Clock = time.time,
) -> None:
    """Add the sign-in's routes; `end` ends streams, MCP sessions and caches of a session."""
    auth = _Auth(settings, entra, end, flows, clock)
    app.router.add_get("/signin", auth.sign_in, name="signin")
    app.router.add_get("/signin-oidc", auth.callback)
    app.router.add_post("/signout", auth.sign_out)
    app.router.add_get("/signout-callback-oidc", auth.signed_out)


def _digest(request: web.Request) -> str:
    """Return a digest of the request's `state`."""
    return hashlib.sha256(request.query.get("state", "").encode(errors="replace")).hexdigest()[:24]


def _claims(text: str) -> str | None:
    """Return a claims challenge as JSON text, None if it is invalid. `WWW-Authenticate` has it in base64."""
    if not text or len(text) > _MAX_CLAIMS:
        return None
    try:
        if not text.startswith("{"):
            text = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        return text if isinstance(json.loads(text), dict) else None
    except (binascii.Error, ValueError, RecursionError):
        return None


def _failed(request: web.Request, error: SignInError) -> web.Response:
    context = {"message": str(error), "code": error.code}
    return render_template("signin_failed.html", request, context, status=error.status)
