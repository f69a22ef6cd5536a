"""`/signin`, `/signin-oidc` and `/signout`."""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp_jinja2 import render_template
from aiohttp_session import get_session, new_session

from mcpsecurity_webclient.access import PERSON, public, safe_next
from mcpsecurity_webclient.auth.entra import EntraClient, SignInError
from mcpsecurity_webclient.settings import WebSettings

__all__ = ["add_auth_routes"]

_MAX_FLOWS = 8
_FLOW_SECONDS = 10 * 60

EndSession = Callable[[str, str], Awaitable[None]]
"""Ends everything of a session: its id and why."""


class _Auth:
    def __init__(self, settings: WebSettings, entra: EntraClient, end: EndSession) -> None:
        self._settings = settings
        self._entra = entra
        self._end = end

    @public
    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Begin a sign-in. Several can be under way in one browser: each has its own state."""
        session = await get_session(request)
        options: dict[str, Any] = {}
        if claims := request.query.get("claims"):
            options["claims_challenge"] = claims[:4000]
        if PERSON in request:
            options["login_hint"] = request[PERSON].username
        try:
            flow = await self._entra.begin(**options)
        except SignInError as error:
            return _failed(request, error, 503)
        now = time.time()
        flows = {s: f for s, f in session.get("flows", {}).items() if f["at"] > now - _FLOW_SECONDS}
        flows[flow["state"]] = {"flow": flow, "next": safe_next(request.query.get("next")), "at": now}
        session["flows"] = dict(list(flows.items())[-_MAX_FLOWS:])
        raise web.HTTPFound(flow["auth_uri"])

    @public
    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Complete a sign-in that this browser began."""
        session = await get_session(request)
        flows: dict[str, Any] = dict(session.get("flows", {}))
        begun = flows.pop(request.query.get("state", ""), None)
        if begun is None or begun["at"] < time.time() - _FLOW_SECONDS:
            text = "This sign-in was not begun here, or took too long. Please begin again."
            return _failed(request, SignInError(text), 400)
        session["flows"] = flows
        sid = secrets.token_urlsafe(16)
        try:
            person = await self._entra.complete(begun["flow"], request.query, sid)
        except SignInError as error:
            return _failed(request, error, 400)
        before = session.get("user")
        same = before is not None and before["oid"] == person.object_id and before["tid"] == person.tenant_id
        if before is not None:
            if same:
                await self._entra.adopt(before["sid"], sid)
                sid = before["sid"]
            else:
                await self._end(before["sid"], "signed_out")
        renewed = await new_session(request)
        renewed["flows"] = flows
        renewed["user"] = {
            "sid": sid,
            "oid": person.object_id,
            "tid": person.tenant_id,
            "name": person.name,
            "username": person.username,
            "login_hint": person.login_hint,
            "csrf": before["csrf"] if same and before else secrets.token_urlsafe(24),
            "since": before["since"] if same and before else time.time(),
            "expires_at": time.time() + self._settings.session_lifetime,
        }
        raise web.HTTPFound(begun["next"])

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


def add_auth_routes(app: web.Application, settings: WebSettings, entra: EntraClient, end: EndSession) -> None:
    """Add the sign-in's routes; `end` ends streams, MCP sessions and caches of a session."""
    auth = _Auth(settings, entra, end)
    app.router.add_get("/signin", auth.sign_in, name="signin")
    app.router.add_get("/signin-oidc", auth.callback)
    app.router.add_post("/signout", auth.sign_out)
    app.router.add_get("/signout-callback-oidc", auth.signed_out)


def _failed(request: web.Request, error: SignInError, status: int) -> web.Response:
    context = {"message": str(error), "code": error.code}
    return render_template("signin_failed.html", request, context, status=status)
