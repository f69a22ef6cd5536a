"""An MCP server with an authorization server of its own: the official SDK's, which checks the protocol."""

import asyncio
import secrets
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.fastmcp import FastMCP
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.eventually import eventually
from tests.support.ports import free_port

Instead = dict[str, Any]
"""Answers by path: a status, or a JSON object. A path with ` to a stranger` behind it is for requests without
a token."""


class Tokens(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """Who signs in, and what was given out. Each person consents, unless `denies`; `forgets` every token at
    once; answers name an `issuer` if it is given; tokens last `seconds`. No client may register for
    a scope unless it `knows_scopes`.

    A refresh token is good once. One that comes again is taken for stolen, and ends the sign-in (RFC 9700,
    4.14.2). While `answering` is not set, refreshed tokens are on their way.
    """

    def __init__(
        self,
        *,
        denies: bool = False,
        registers: bool = True,
        knows_scopes: bool = True,
        forgets: bool = False,
        issuer: str | None = None,
        seconds: int = 3600,
    ) -> None:
        self.denies = denies
        self.registers = registers
        self.knows_scopes = knows_scopes
        self.forgets = forgets
        self.issuer = issuer
        self.seconds = seconds
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.asked: list[AuthorizationParams] = []
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.refreshed = 0
        self.used: dict[str, str] = {}
        self.answering = asyncio.Event()
        self.answering.set()

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        if not self.registers:
            raise RegistrationError("invalid_client_metadata", "Ask the administrator.")
        if not self.knows_scopes and client_info.scope:
            raise RegistrationError("invalid_client_metadata", "There is no such scope.")
        self.clients[str(client_info.client_id)] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.asked.append(params)
        if self.denies:
            return f"{params.redirect_uri}?{urlencode({'error': 'access_denied', 'state': params.state})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=str(client.client_id),
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=True,
            resource=params.resource,
        )
        issuer = {"iss": self.issuer} if self.issuer else {}
        return f"{params.redirect_uri}?{urlencode({'code': code, 'state': params.state, **issuer})}"

    async def load_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the SDK's signature
        authorization_code: str,
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        return self._given(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the SDK's signature
        refresh_token: str,
    ) -> RefreshToken | None:
        if (stolen := self.used.get(refresh_token)) is not None:
            for held in (self.access, self.refresh):
                for token in [token for token, one in held.items() if one.client_id == stolen]:
                    del held[token]
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self.refresh[refresh_token.token]
        self.refreshed += 1
        self.used[refresh_token.token] = refresh_token.client_id
        given = self._given(client, scopes, refresh_token.resource)
        await self.answering.wait()
        return given

    async def load_access_token(self, token: str) -> AccessToken | None:
        return None if self.forgets else self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    def _given(
        self, client: OAuthClientInformationFull, scopes: list[str], resource: str | None
    ) -> OAuthToken:
        token, refresh, who = secrets.token_hex(), secrets.token_hex(), str(client.client_id)
        self.access[token] = AccessToken(token=token, client_id=who, scopes=scopes, resource=resource)
        self.refresh[refresh] = RefreshToken(token=refresh, client_id=who, scopes=scopes, resource=resource)
        return OAuthToken(
            access_token=token, refresh_token=refresh, expires_in=self.seconds, scope=" ".join(scopes)
        )


@dataclass
class SignedInServer:
    """A server at `url` whose people sign in; `tokens` knows what it has given out, `seen` has the method and
    path of each request, and whether it had a token."""

    url: str
    tokens: Tokens
    seen: list[tuple[str, str, bool]]


@asynccontextmanager
async def protected(
    instead: Instead | None = None,
    *,
    port: int = 0,
    certificate: Path | None = None,
    tools: Callable[[FastMCP[Any]], None] = lambda _: None,
    path: str = "/mcp",
    **options: Any,
) -> AsyncIterator[SignedInServer]:
    """Serve an MCP server with a tool `whoami`; `options` are those of `Tokens`.

    `tools` adds others. `instead` has answers that come instead of the SDK's. With a `certificate` of
    `localhost`, and its key in the same file, all of it is https. At the path /sse it
    has the older transport HTTP+SSE.
    """
    port, tokens = port or free_port(), Tokens(**options)
    origin = f"http://127.0.0.1:{port}" if certificate is None else f"https://localhost:{port}"
    auth = AuthSettings(
        issuer_url=AnyHttpUrl(origin),
        resource_server_url=AnyHttpUrl(f"{origin}{path}"),
        required_scopes=["notes"],
        validate_token_resource=True,
        client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=["notes", "more"]),
        revocation_options=RevocationOptions(enabled=True),
    )
    mcp: FastMCP[Any] = FastMCP("Notes", auth_server_provider=tokens, auth=auth, log_level="ERROR")

    @mcp.tool()
    def whoami() -> str:
        """Say who is signed in."""
        return "a person"

    tools(mcp)
    served = mcp.sse_app() if path == "/sse" else mcp.streamable_http_app()
    app = _Instead(served, {} if instead is None else instead)
    async with serving_asgi(app, port, certificate):
        yield SignedInServer(f"{origin}{path}", tokens, app.seen)


@asynccontextmanager
async def serving_asgi(app: Any, port: int, certificate: Path | None = None) -> AsyncIterator[None]:
    """Serve an ASGI application on a port of loopback; by https if there is a certificate with its key."""
    config = uvicorn.Config(
        app, port=port, log_level="error", access_log=False, ws="none", ssl_certfile=certificate
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        await serving


class _Instead:
    """An ASGI application of which some answers are others. `seen` is that of `SignedInServer`."""

    def __init__(self, app: ASGIApp, answers: Instead) -> None:
        self._app = app
        self._answers = answers
        self.seen: list[tuple[str, str, bool]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, has_token = scope.get("path", ""), False
        if scope["type"] == "http":
            has_token = any(name == b"authorization" for name, _ in scope["headers"])
            self.seen.append((scope["method"], path, has_token))
        answer = self._answers.get(path if has_token else f"{path} to a stranger", self._answers.get(path))
        if answer is None:
            await self._app(scope, receive, send)
        elif isinstance(answer, int):
            await Response(status_code=answer)(scope, receive, send)
        else:
            await JSONResponse(answer)(scope, receive, send)


def browser(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Stand for a browser in which the person is known: follow redirects until the program has its answer."""
    without_proxy = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
    )
    with without_proxy.open(url, timeout=30):
        return True


async def redirected(url: str) -> dict[str, str]:
    """Return what an authorization server sends back with a browser in which the person is known."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return query_of((await client.get(url)).headers["Location"])


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
