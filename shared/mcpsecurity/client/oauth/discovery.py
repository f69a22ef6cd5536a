"""Which authorization server an MCP server has people sign in at, by what both publish (RFC 9728, RFC 8414).

The SDK says where the documents may be; this module checks who wrote them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    create_oauth_metadata_request,
)
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url

from mcpsecurity.client.challenges import challenge_parameters
from mcpsecurity.client.errors import BridgeError, ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth.documents import (
    ResourceMetadata,
    ServerMetadata,
    read_resource,
    read_server,
)
from mcpsecurity.client.oauth.requests import BoundedRequests, joined_url
from mcpsecurity.sentences import Sentence

_OFFLINE = "offline_access"
_RESOURCE = "/.well-known/oauth-protected-resource"
_SERVER = "/.well-known/oauth-authorization-server"
"""Behind the path, where some have it; RFC 8414 and RFC 9728 put it before."""
_MOST_SERVERS: Final = 3
_ENTRA_TOKENS: Final = "/oauth2/v2.0/token"
"""How the path of Entra ID's token endpoint ends. Its document does not name PKCE, which it has."""

D = TypeVar("D", ResourceMetadata, ServerMetadata)


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where people sign in for an MCP server: the resource that tokens are for, and the scope to ask for."""

    resource: str
    scope: str | None
    server: ServerMetadata


class Discovery:
    """Reads the documents about the MCP server at `url`.

    `issuer` is what its authorization server may call itself besides the name under which its document is.
    """

    def __init__(self, url: str, requests: BoundedRequests, issuer: str | None = None) -> None:
        self._url = url
        self._issuer = issuer
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
        server = await self._server(resource)
        scope = _scope(parameters.get("scope"), resource, server)
        if scope and _OFFLINE in (server.scopes_supported or ()) and _OFFLINE not in scope.split():
            scope = f"{scope} {_OFFLINE}"  # or there is no refresh token
        named = resource.resource if resource is not None else resource_url_from_server_url(self._url)
        return Discovered(named, scope, server)

    async def named(self, challenge: httpx.Response) -> list[str]:
        """Return the authorization servers that the server names, if it does. Raises as `find`."""
        resource = await self._resource(challenge_parameters(challenge).get("resource_metadata"))
        return list(resource.authorization_servers) if resource is not None else []

    async def describes_itself(self) -> bool:
        """Tell whether the server is an authorization server, too, as those of before June 2025 are. Raises
        as `find`."""
        urls = build_oauth_authorization_server_metadata_discovery_urls(_origin(self._url), self._url)
        return await self._first(urls, read_server) is not None

    async def _resource(self, named: str | None) -> ResourceMetadata | None:
        """Return what the MCP server publishes of itself, if it does; it may have `named` where."""
        named = joined_url(self._url, named) if named else None
        urls = build_protected_resource_metadata_discovery_urls(named, self._url)
        resource = await self._first([*urls, f"{self._url.rstrip('/')}{_RESOURCE}"], read_resource)
        if resource is not None:
            self._check_resource(resource.resource)
        return resource

    async def _server(self, resource: ResourceMetadata | None) -> ServerMetadata:
        """Return the first authorization server that can be used; a server of before June 2025, which names
        none, is its own."""
        if resource is None:
            return await self._server_called(_origin(self._url), named=False)
        errors: list[BridgeError] = []
        for issuer in resource.authorization_servers[:_MOST_SERVERS]:
            try:
                return await self._server_called(issuer, named=True)
            except BridgeError as error:
                errors.append(error)
        raise errors[0]

    async def _server_called(self, issuer: str, *, named: bool) -> ServerMetadata:
        found: list[ServerMetadata] = []

        def read_good(response: httpx.Response) -> ServerMetadata | None:
            """Return a document that may be used: one may have what the other lacks."""
            server = read_server(response)
            if server is None:
                return None
            found.append(server)
            return server if self._is_called(server, issuer) and _has_pkce(server) else None

        urls = build_oauth_authorization_server_metadata_discovery_urls(issuer, self._url)
        try:
            server = await self._first([*urls, f"{issuer.rstrip('/')}{_SERVER}"], read_good)
        except BridgeError:
            if not found:
                raise
            server = None
        if server is None:
            raise self._unusable(issuer, found[0] if found else None, named=named)
        for endpoint in (server.authorization_endpoint, server.token_endpoint, server.registration_endpoint):
            if endpoint is not None:
                self._requests.check(str(endpoint))
        return server

    async def _first(self, urls: list[str], read: Callable[[httpx.Response], D | None]) -> D | None:
        """Return the first document that is at one of these addresses.

        Raises:
            BridgeError: no address has one, and one of them is not one to ask.
            ServerUnavailableError: no address has one, and one of them answers as a server that is down.
        """
        first: BridgeError | None = None
        silent = set[str]()
        for url in dict.fromkeys(urls):
            if _origin(url) in silent:
                continue
            try:
                self._requests.check(url)
                response = await self._requests.read(create_oauth_metadata_request(url))
            except BridgeError as error:
                first = first or error
                silent.add(_origin(url))
                continue
            if (document := read(response)) is not None:
                return document
            if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                text = Sentence(
                    "{url} answers with status {status} instead of saying where to sign in.",
                    url=url[:300],
                    status=response.status_code,
                )
                first = first or ServerUnavailableError(text)
        if first is not None:
            raise first
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

    def _is_called(self, server: ServerMetadata, issuer: str) -> bool:
        """Tell whether a document is of the authorization server that it was asked of (RFC 8414, 3.3)."""
        own = str(server.issuer).rstrip("/")
        return own in (issuer.rstrip("/"), (self._issuer or issuer).rstrip("/"))

    def _unusable(self, issuer: str, server: ServerMetadata | None, *, named: bool) -> SignInRequiredError:
        """Return why people cannot sign in at the authorization server `issuer`; `server` is its document, if
        it has one."""
        if server is None and not named:
            return SignInRequiredError(
                Sentence(
                    "The MCP server at {host} asks for a sign-in, and does not say where: it names no "
                    "authorization server.",
                    host=self._host,
                )
            )
        if server is None:
            return SignInRequiredError(
                Sentence(
                    "The MCP server at {host} has people sign in at {server}, which does not say how.",
                    host=self._host,
                    server=issuer,
                )
            )
        if not self._is_called(server, issuer):
            return SignInRequiredError(
                Sentence(
                    "The MCP server at {host} has people sign in at {server}, which says that it is {other}. "
                    "If its operator confirms that, set that as the issuer of the server.",
                    host=self._host,
                    server=issuer,
                    other=str(server.issuer)[:300],
                )
            )
        return SignInRequiredError(self._without_pkce(issuer, server))

    def _without_pkce(self, issuer: str, server: ServerMetadata) -> Sentence:
        if urlsplit(str(server.token_endpoint)).path.endswith(_ENTRA_TOKENS):
            return Sentence(
                "The MCP server at {host} takes tokens of Microsoft Entra ID: set its scope in place of the "
                "sign-in.",
                host=self._host,
            )
        return Sentence(
            "The MCP server at {host} has people sign in at {server}, which does not say that it "
            "protects a sign-in by PKCE, as the MCP specification wants. Only its operator can change "
            "that.",
            host=self._host,
            server=issuer,
        )


def _has_pkce(server: ServerMetadata) -> bool:
    return "S256" in (server.code_challenge_methods_supported or ())


def _scope(asked: str | None, resource: ResourceMetadata | None, server: ServerMetadata) -> str | None:
    """Return the scope to ask for (MCP specification, Scope Selection Strategy); by what an authorization
    server says of itself only where it is the MCP server, of before June 2025."""
    if asked:
        return asked
    supported = resource.scopes if resource is not None else server.scopes_supported
    return " ".join(supported) if supported is not None else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
