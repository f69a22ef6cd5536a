"""Which authorization server an MCP server has people sign in at, by what both publish (RFC 9728, RFC 8414).

The SDK says where the documents may be, and reads them; what is checked here besides it is who wrote them.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    create_oauth_metadata_request,
    get_client_metadata_scopes,
    handle_auth_metadata_response,
    handle_protected_resource_response,
)
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url

from mcpsecurity.client.challenges import challenge_parameters
from mcpsecurity.client.errors import ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth.requests import BoundedRequests
from mcpsecurity.sentences import Sentence

_OFFLINE = "offline_access"


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where people sign in for an MCP server: the resource that tokens are for, and the scope to ask for."""

    resource: str
    scope: str | None
    server: OAuthMetadata


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
        published = (
            server if resource is None else None
        )  # by what a server of before June 2025 says of itself
        scope = get_client_metadata_scopes(parameters.get("scope"), resource, published)
        if scope and _OFFLINE in (server.scopes_supported or ()) and _OFFLINE not in scope.split():
            scope = f"{scope} {_OFFLINE}"  # or there is no refresh token
        named = str(resource.resource) if resource is not None else resource_url_from_server_url(self._url)
        return Discovered(named, scope, server)

    async def named(self, challenge: httpx.Response) -> list[str]:
        """Return the authorization servers that the server names, if it does. Raises as `find`."""
        resource = await self._resource(challenge_parameters(challenge).get("resource_metadata"))
        return [str(server) for server in resource.authorization_servers] if resource is not None else []

    async def _resource(self, named: str | None) -> ProtectedResourceMetadata | None:
        """Return what the MCP server publishes of itself, if it does; it may have `named` where."""
        for url in build_protected_resource_metadata_discovery_urls(named, self._url):
            response = await self._asked(url)
            resource = await handle_protected_resource_response(response)
            if resource is not None:
                self._check_resource(str(resource.resource))
                return resource
        return None

    async def _server(self, issuer: str | None) -> OAuthMetadata:
        for url in build_oauth_authorization_server_metadata_discovery_urls(issuer, self._url):
            _, server = await handle_auth_metadata_response(await self._asked(url))
            if server is not None:
                self._check_server(server, issuer or _origin(self._url))
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

    async def _asked(self, url: str) -> httpx.Response:
        self._requests.check(url)
        response = await self._requests.send(create_oauth_metadata_request(url))
        if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            text = Sentence(
                "{url} answers with status {status} instead of saying where to sign in.",
                url=url[:300],
                status=response.status_code,
            )
            raise ServerUnavailableError(text)
        return response

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

    def _check_server(self, server: OAuthMetadata, issuer: str) -> None:
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


def _issuer(resource: ProtectedResourceMetadata | None) -> str | None:
    """Return the first authorization server; None for a server of before June 2025, which is its own."""
    return str(resource.authorization_servers[0]) if resource is not None else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
