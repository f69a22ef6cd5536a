"""The server behind its middleware, on loopback, and answers that a test can read."""

import re
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web
from tests.oidc.tenant import API_CLIENT_ID, TENANT_ID, ControlledTenant, MovableClock, client_context
from tests.support.ports import free_port

from mcpsecurity.oidc import CachePolicy
from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

BASE_SCOPE = f"api://{API_CLIENT_ID}/mcp:tools"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a response; `challenge` has the parameters of a Bearer challenge."""

    status: int
    headers: dict[str, str]
    body: bytes
    challenge: dict[str, str] | None

    def json(self) -> Any:
        """Return the JSON of the body. After five seconds that is the last event of a stream."""
        if self.headers["content-type"].startswith("text/event-stream"):
            events = [line for line in self.body.splitlines() if line.startswith(b"data: ")]
            return orjson.loads(events[-1].removeprefix(b"data: "))
        return orjson.loads(self.body)


class ProtectedServer:
    """Use it with `async with`. `settings` override those of a server of the controlled tenant; `mcp` is
    another program to serve."""

    def __init__(
        self, tenant: ControlledTenant, clock: MovableClock, *, mcp: Any = None, **settings: Any
    ) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        values: dict[str, Any] = {
            "url": f"{self.origin}/mcp",
            "authority": tenant.authority,
            "tenant_id": TENANT_ID,
            "client_id": API_CLIENT_ID,
            "ca_file": tenant.ca_file,
        }
        self.settings = ServerSettings(**(values | settings))
        self._mcp = mcp
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self.http: aiohttp.ClientSession
        self.app: web.Application

    async def __aenter__(self) -> Self:
        app = create_app(
            self.settings,
            self._mcp,
            clock=self._clock.wall,
            timer=self._clock.monotonic,
            key_policy=CachePolicy(),
            tls=client_context(self.settings.ca_file) if self.settings.ca_file else None,
        )
        self.app = app
        self._runner = await started_runner(app, port=self.port)
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def metadata_url(self) -> str:
        return f"{self.origin}/.well-known/oauth-protected-resource/mcp"

    async def call(
        self, token: str | None = None, *, tool: str | None = None, session: str | None = None
    ) -> Answer:
        """Send `initialize`, or a tool call in a session, with a token if there is one."""
        message = INITIALIZE
        if tool is not None:
            message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool}}
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        if session is not None:
            headers["Mcp-Session-Id"] = session
        return await self.request("POST", "/mcp", headers, orjson.dumps(message))

    async def session(self, token: str) -> str:
        """Open a session and return its id."""
        answer = await self.call(token)
        assert answer.status == 200, answer
        session = answer.headers["mcp-session-id"]
        headers = {"Authorization": f"Bearer {token}", "Mcp-Session-Id": session}
        done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await self.request("POST", "/mcp", headers, orjson.dumps(done))).status == 202
        return session

    async def stateless(
        self, token: str, method: str, params: dict[str, Any] | None = None, **capabilities: Any
    ) -> Answer:
        """Send a request of revision 2026-07-28, as a client with these capabilities."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), "_meta": meta}}
        headers = {
            "Authorization": f"Bearer {token}",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": method,
        }
        if params is not None and "name" in params:
            headers["Mcp-Name"] = params["name"]
        return await self.request("POST", "/mcp", headers, orjson.dumps(message))

    async def stateless_tool(self, token: str, tool: str, **capabilities: Any) -> Answer:
        """Call a tool without arguments in revision 2026-07-28."""
        return await self.stateless(token, "tools/call", {"name": tool, "arguments": {}}, **capabilities)

    async def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send any request; MCP's usual headers are added."""
        usual = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        given = list(headers.items()) if isinstance(headers, dict) else list(headers or ())
        given += [(name, value) for name, value in usual.items() if name not in dict(given)]
        timeout = aiohttp.ClientTimeout(total=60)
        async with self.http.request(
            method,
            self.origin + path,
            headers=given,
            data=body,
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            received = {name.lower(): value for name, value in response.headers.items()}
            challenge = received.get("www-authenticate")
            return Answer(
                response.status,
                received,
                await response.read(),
                _parameters(challenge) if challenge else None,
            )

    def assert_unauthenticated(self, answer: Answer) -> None:
        """401, and where to sign in; no `error`, because nothing was tried."""
        assert answer.status == 401
        assert answer.challenge == {"scope": BASE_SCOPE, "resource_metadata": self.metadata_url}

    def assert_refused(self, answer: Answer, status: int, error: str, scope: str = BASE_SCOPE) -> None:
        """A challenge with `error`, the scopes to ask for, and where the metadata is."""
        assert answer.status == status, answer
        assert answer.challenge is not None
        assert answer.challenge.pop("error_description")
        assert answer.challenge == {
            "error": error,
            "scope": scope,
            "resource_metadata": self.metadata_url,
        }

    def assert_invalid_token(self, answer: Answer) -> None:
        self.assert_refused(answer, 401, "invalid_token")

    def assert_insufficient_scope(self, answer: Answer, *scopes: str) -> None:
        named = " ".join((BASE_SCOPE, *(f"api://{API_CLIENT_ID}/{scope}" for scope in scopes)))
        self.assert_refused(answer, 403, "insufficient_scope", named)


def _parameters(challenge: str) -> dict[str, str]:
    scheme, _, parameters = challenge.partition(" ")
    assert scheme == "Bearer"
    return dict(re.findall(r'(\w+)="([^"]*)"', parameters))
