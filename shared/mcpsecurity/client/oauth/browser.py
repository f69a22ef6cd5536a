"""Signing in with the browser of this machine, which comes back to a free port of it (RFC 8252, 7.3)."""

import asyncio
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from mcpsecurity.client.errors import SignInRequiredError
from mcpsecurity.client.oauth.auth import OAuthAuth, Page
from mcpsecurity.client.oauth.authorization_code import OAuthSignIn
from mcpsecurity.client.oauth.grants import ClientId, GrantStore
from mcpsecurity.client.oauth.requests import BoundedRequests
from mcpsecurity.runtime.service import started_runner
from mcpsecurity.runtime.threads import in_daemon_thread
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.sentences import Sentence

_SECONDS: Final = 300.0
_PATH: Final = "/callback"
_DONE: Final = "Close this page and go back to the program."

OpenPage = Callable[[str], bool]
Tell = Callable[[str], None]


def browser_auth(
    url: str,
    *,
    client: ClientId | None = None,
    client_document: str | None = None,
    issuer: str | None = None,
    store: GrantStore | None = None,
    ca_file: Path | str | None = None,
    tell: Tell = print,
    open_page: OpenPage = webbrowser.open,
) -> OAuthAuth:
    """Return the authentication for an MCP server that names an authorization server of its own.

    Use it like `McpConnection(url, auth=browser_auth(url))`.

    Args:
        url: the MCP endpoint.
        client: a client that was registered by hand, with the redirect URI http://127.0.0.1/callback and any
            port; needed where the authorization server lets none register by itself.
        client_document: the address of a client ID metadata document, for a server that takes such clients.
        issuer: what the authorization server calls itself, if its document names another than the MCP server
            does, and its operator confirms that.
        store: keeps the tokens, which are secret; without it they last as long as the program.
        ca_file: PEM file of a certificate authority to trust besides the system's.
        tell: shows the person what to do.
        open_page: opens a page in a browser, and returns whether there is one.
    """
    tls = client_ssl_context(Path(ca_file) if ca_file is not None else None)
    sign_in = OAuthSignIn(
        url, BoundedRequests(url, tls), client=client, client_document=client_document, issuer=issuer
    )
    return OAuthAuth(sign_in, BrowserPerson(tell, open_page), store)


class BrowserPerson:
    """A `Person` with a browser on this machine. `seconds` is how long it may take to sign in."""

    def __init__(
        self, tell: Tell = print, open_page: OpenPage = webbrowser.open, *, seconds: float = _SECONDS
    ) -> None:
        self._tell = tell
        self._open_page = open_page
        self._seconds = seconds

    @asynccontextmanager
    async def page(self, before: str | None) -> AsyncIterator[Page]:
        """Listen on the port of the redirect URI `before`, or on a free one."""
        page = _LoopbackPage(self._tell, self._open_page, self._seconds)
        app = web.Application()
        app.router.add_get(_PATH, page.receive)
        runner = await _listening(app, _port(before))
        try:
            page.redirect_uri = f"http://127.0.0.1:{runner.addresses[0][1]}{_PATH}"
            yield page
        finally:
            await runner.cleanup()


class _LoopbackPage:
    def __init__(self, tell: Tell, open_page: OpenPage, seconds: float) -> None:
        self.redirect_uri = ""
        self._tell = tell
        self._open_page = open_page
        self._seconds = seconds
        self._state: str | None = None
        self._answered: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    async def receive(self, request: web.Request) -> web.Response:
        """Take the answer to this sign-in; what other pages send to the port does not count."""
        if self._state is None or request.query.get("state") != self._state:
            raise web.HTTPBadRequest
        if not self._answered.done():
            self._answered.set_result(dict(request.query))
        return web.Response(
            text=_DONE, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )

    async def answer(self, url: str, state: str) -> Mapping[str, str]:
        """Open the page, and wait for its answer."""
        self._state = state
        self._tell(f"Sign in at {urlsplit(url).netloc} in the browser that opens now.")
        if not await in_daemon_thread(lambda: self._open_page(url)):
            raise SignInRequiredError(Sentence("There is no browser on this machine."))
        try:
            async with asyncio.timeout(self._seconds):
                return await self._answered
        except TimeoutError as error:
            raise SignInRequiredError(
                Sentence("Nobody has signed in within {minutes} minutes.", minutes=f"{self._seconds / 60:g}")
            ) from error


async def _listening(app: web.Application, port: int) -> web.AppRunner:
    """Listen on a port, or on a free one if another program has it."""
    try:
        return await started_runner(app, port=port)
    except OSError:
        return await started_runner(app)


def _port(redirect_uri: str | None) -> int:
    parts = urlsplit(redirect_uri or "")
    return (parts.port or 0) if parts.hostname == "127.0.0.1" else 0
