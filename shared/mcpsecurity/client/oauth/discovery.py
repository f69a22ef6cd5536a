"""Which authorization server an MCP server has people sign in at, by what both publish (RFC 9728, RFC 8414).

The SDK says where the documents may be; this module checks who wrote them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    create_oauth_metadata_request,
)
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url

from mcpsecurity.client.challenges import challenge_parameters
from mcpsecurity.client.errors import ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth.documents import (
    ResourceMetadata,
    ServerMetadata,
    read_resource,
    read_server,
)
from mcpsecurity.client.oauth.requests import BoundedRequests
from mcpsecurity.sentences import Sentence

_OFFLINE = "offline_access"
_RESOURCE = "/.well-known/oauth-protected-resource"
_SERVER = "/.well-known/oauth-authorization-server"
"""Behind the path, where some have it; RFC 8414 and RFC 9728 put it before."""

D = TypeVar("D", ResourceMetadata, ServerMetadata)


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where people sign in for an MCP server: the resource that tokens are for, and the scope to ask for."""

    resource: str
    scope: str | None
    server: ServerMetadata


class Discovery:
    """Reads the documents about the MCP server at `url`."""

    def __init__(self, url: str, requests: BoundedRequests) -> None:
        self._url = url
        self._host = httpx.URL(url).netloc.decode()
        self._requests = requests

    async def find(self, challenge: httpx.Response) -> Discovered:
        """Return where people sign in; `challenge` is the answer in which the server asked for a token.

        Raises:
            SignInRequiredError: the server does not say it, or something that cannot be right.
            BridgeError: an address is not one to ask.
            ServerUnavailableError: one does not answer.
        """
        parameters = challenge_parameters(challenge)
        resource = await self._resource(parameters.get("resource_metadata"))
        server = await self._server(_issuer(resource))
        scope = _scope(parameters.get("scope"), resource, server)
        if scope and _OFFLINE in (server.scopes_supported or ()) and _OFFLINE not in scope.split():
            scope = f"{scope} {_OFFLINE}"  # or there is no refresh token
        named = resource.resource if resource is not None else resource_url_from_server_url(self._url)
        return Discovered(named, scope, server)

    async def named(self, challenge: httpx.Response) -> list[str]:
        """Return the authorization servers that the server names, if it does. Raises as `find`."""
        resource = await self._resource(challenge_parameters(challenge).get("resource_metadata"))
        return list(resource.authorization_servers) if resource is not None else []

    async def _resource(self, named: str | None) -> ResourceMetadata | None:
        """Return what the MCP server publishes of itself, if it does; it may have `named` where."""
        urls = build_protected_resource_metadata_discovery_urls(named, self._url)
        resource = await self._first([*urls, f"{self._url.rstrip('/')}{_RESOURCE}"], read_resource)
        if resource is not None:
            self._check_resource(resource.resource)
        return resource

    async def _server(self, issuer: str | None) -> ServerMetadata:
        who = issuer or _origin(self._url)
        urls = build_oauth_authorization_server_metadata_discovery_urls(who, self._url)
        server = await self._first([*urls, f"{who.rstrip('/')}{_SERVER}"], read_server)
        if server is not None:
            self._check_server(server, who)
            return server
        if issuer is None:
            raise SignInRequiredError(
                Sentence(
                    "The MCP server at {host} asks for a sign-in, and does not say where: it names no "
                    "authorization server.",
                    host=self._host,
                )
            )
        raise SignInRequiredError(
            Sentence(
                "The MCP server at {host} has people sign in at {server}, which does not say how.",
                host=self._host,
                server=issuer,
            )
        )

    async def _first(self, urls: list[str], read: Callable[[httpx.Response], D | None]) -> D | None:
        """Return the first document that is at one of these addresses.

        Raises:
            ServerUnavailableError: no address has one, and one of them answers as a server that is down.
        """
        down: ServerUnavailableError | None = None
        for url in dict.fromkeys(urls):
            self._requests.check(url)
            response = await self._requests.send(create_oauth_metadata_request(url))
            if (document := read(response)) is not None:
                return document
            if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                text = Sentence(
                    "{url} answers with status {status} instead of saying where to sign in.",
                    url=url[:300],
                    status=response.status_code,
                )
                down = down or ServerUnavailableError(text)
        if down is not None:
            raise down
        return None

    def _check_resource(self, resource: str) -> None:
        """Refuse tokens for something else: another server could be called with them (RFC 9728, 3.3)."""
        own = resource_url_from_server_url(self._url)
        if not check_resource_allowed(requested_resource=own, configured_resource=resource):
            raise SignInRequiredError(
                Sentence(
                    "The MCP server at {host} wants a token for {resource}, which is not its own address. No "
                    "sign-in was begun.",
                    host=self._host,
                    resource=resource[:300],
                )
            )

    def _check_server(self, server: ServerMetadata, issuer: str) -> None:
        """Refuse the document of another authorization server (RFC 8414, 3.3), or one without PKCE."""
        if str(server.issuer).rstrip("/") != issuer.rstrip("/"):
            raise SignInRequiredError(
                Sentence(
                    "The MCP server at {host} has people sign in at {server}, which says that it is {other}.",
                    host=self._host,
                    server=issuer,
                    other=str(server.issuer)[:300],
                )
            )
        for endpoint in (server.authorization_endpoint, server.token_endpoint, server.registration_endpoint):
            if endpoint is not None:
                self._requests.check(str(endpoint))
        if "S256" not in (server.code_challenge_methods_supported or ()):
            raise SignInRequiredError(
                Sentence(
                    "The MCP server at {host} has people sign in at {server}, which does not protect a "
                    "sign-in by PKCE. The MCP specification wants that.",
                    host=self._host,
                    server=issuer,
                )
            )


def _issuer(resource: ResourceMetadata | None) -> str | None:
    """Return the first authorization server; None for a server of before June 2025, which is its own."""
    return resource.authorization_servers[0] if resource is not None else None


def _scope(asked: str | None, resource: ResourceMetadata | None, server: ServerMetadata) -> str | None:
    """Return the scope to ask for (MCP specification, Scope Selection Strategy); by what an authorization
    server says of itself only where it is the MCP server, of before June 2025."""
    if asked is not None:
        return asked
    supported = resource.scopes if resource is not None else server.scopes_supported
    return " ".join(supported) if supported is not None else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
