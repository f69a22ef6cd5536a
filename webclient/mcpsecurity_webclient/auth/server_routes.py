"""`/servers/NAME/signin` and `/signin-server/NAME`: a signed-in person signs in for an MCP server as well."""

import re
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp_jinja2 import render_template
from aiohttp_session import get_session
from pydantic import ValidationError
from yarl import URL

from mcpsecurity.client import BridgeError, ServerUnavailableError
from mcpsecurity.client.oauth import PendingSignIn
from mcpsecurity_webclient.auth.flows import Begun, FlowStore, SignInFlows
from mcpsecurity_webclient.auth.person import PERSON, public
from mcpsecurity_webclient.auth.server_sign_ins import CALLBACK, DOCUMENT, ServerSignIns
from mcpsecurity_webclient.auth.urls import safe_next
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import translated
from mcpsecurity_webclient.settings import WebSettings

_SCOPES = re.compile(r"[!#-\[\]-~]{1,200}( [!#-\[\]-~]{1,200}){0,19}")  # RFC 6749, 3.3

Clock = Callable[[], float]


class _ServerRoutes:
    def __init__(
        self, settings: WebSettings, sign_ins: ServerSignIns, flows: FlowStore, clock: Clock
    ) -> None:
        self._sign_ins = sign_ins
        self._flows = SignInFlows(flows, secure=settings.secure, clock=clock, kind="server")
        self._clock = clock

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Begin a sign-in, and send the person to the authorization server."""
        name, sid = request.match_info["name"], request[PERSON].sid
        if not self._sign_ins.knows(name):
            raise web.HTTPNotFound
        target = safe_next(request.query.get("next"))
        try:
            pending = await self._sign_ins.begin(sid, name, _scope(request))
        except BridgeError as error:
            return _failed(request, error, name, target)
        flow = {"state": pending.state, "server": name, "sid": sid, "pending": pending.model_dump_json()}
        found = web.HTTPFound(URL(pending.url, encoded=True))
        await self._flows.begin(request, found, flow, target)
        raise found

    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Complete a sign-in that this session began in this browser."""
        begun, sid = await self._flows.take(request), request[PERSON].sid
        response: web.StreamResponse
        name = request.match_info["name"]
        if begun is None or (begun.flow["sid"], begun.flow["server"]) != (sid, name):
            text = _("This sign-in expired or was started elsewhere. Please try again.")
            response = _page(request, text, "/", 400)
        else:
            response = await self._completed(request, begun, sid)
        self._flows.finish(request, response)
        if isinstance(response, web.HTTPException):
            raise response
        return response

    async def _completed(self, request: web.Request, begun: Begun, sid: str) -> web.StreamResponse:
        name = begun.flow["server"]
        try:
            pending = PendingSignIn.model_validate_json(begun.flow["pending"])
            await self._sign_ins.complete(sid, name, pending, request.query)
        except BridgeError as error:
            return _failed(request, error, name, begun.next)
        except ValidationError:  # of another version
            return _page(
                request, _("The sign-in could not be completed."), server_sign_in_url(name, begun.next), 400
            )
        session = await get_session(request)
        session["user"] = {**session["user"], "renewed": self._clock()}  # calls that wait for it go on
        return web.HTTPFound(begun.next)

    @public
    async def document(self, _request: web.Request) -> web.Response:
        """Say who the chat is, to an authorization server that takes such clients."""
        return web.json_response(self._sign_ins.client_document())


def add_server_routes(
    app: web.Application,
    settings: WebSettings,
    sign_ins: ServerSignIns,
    flows: FlowStore,
    clock: Clock = time.time,
) -> None:
    """Add the routes of the sign-ins for MCP servers."""
    routes = _ServerRoutes(settings, sign_ins, flows, clock)
    app.router.add_get("/servers/{name}/signin", routes.sign_in)
    app.router.add_get(f"{CALLBACK}/{{name}}", routes.callback)
    app.router.add_get(DOCUMENT, routes.document)


def server_sign_in_url(name: str, target: str, scope: str | None = None) -> str:
    """Return the address of a sign-in for a server, which then shows `target`."""
    query = {"next": target, **({"scope": scope} if scope else {})}
    return str(URL(f"/servers/{name}/signin").with_query(query))


def _scope(request: web.Request) -> str | None:
    """Return the further scopes to ask for. A link of another site names none: where the person has consented
    before, an authorization server may give them without a word."""
    scope = request.query.get("scope", "")
    is_ours = request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
    return scope if is_ours and _SCOPES.fullmatch(scope) else None


def _failed(request: web.Request, error: BridgeError, name: str, target: str) -> web.Response:
    status = 503 if isinstance(error, ServerUnavailableError) else 400
    return _page(request, translated(str(error)), server_sign_in_url(name, target), status)


def _page(request: web.Request, message: str, again: str, status: int) -> web.Response:
    return render_template("signin_failed.html", request, {"message": message, "again": again}, status=status)
