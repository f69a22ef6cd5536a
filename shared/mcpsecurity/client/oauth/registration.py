"""Becoming a client of an authorization server: by hand, by a document, or by registering (RFC 7591)."""

import json
from collections.abc import Callable
from typing import Final, Literal

import httpx
from mcp.client.auth.utils import (
    create_client_info_from_metadata_url,
    create_client_registration_request,
    should_use_client_metadata_url,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl

from mcpsecurity.client.errors import ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth.discovery import Discovered
from mcpsecurity.client.oauth.documents import ServerMetadata, name_of, read_client, read_object
from mcpsecurity.client.oauth.grants import ClientId, Grant
from mcpsecurity.client.oauth.requests import BoundedRequests
from mcpsecurity.runtime.loopback import is_loopback
from mcpsecurity.sentences import Sentence

_MAX_REASON: Final = 300
_Method = Literal["none", "client_secret_basic", "client_secret_post"]
_METHODS: Final[tuple[_Method, ...]] = ("none", "client_secret_post", "client_secret_basic")
"""The best first. By the last the client ID comes twice: Okta refuses that, and the SDK's servers want it."""


class Registration:
    """Who a program is to the authorization servers of the MCP server at `host`.

    `client` was registered by hand; `document` is the address of a client ID metadata document; `name` is
    what the program is called when it registers.
    """

    def __init__(
        self,
        host: str,
        requests: BoundedRequests,
        *,
        client: ClientId | None,
        document: str | None,
        name: str,
        clock: Callable[[], float],
    ) -> None:
        self._host = host
        self._requests = requests
        self._client = client
        self._document = document
        self._name = name
        self._clock = clock

    async def client_for(
        self, found: Discovered, redirect_uri: str, before: Grant | None
    ) -> OAuthClientInformationFull:
        """Return the client for a sign-in; that of the grant `before` if it still fits.

        Raises:
            SignInRequiredError: the authorization server lets no client register.
            ServerUnavailableError: it does not answer, or takes no registration now.
        """
        redirects = [AnyUrl(redirect_uri)]
        if self._client is not None:
            secret = self._client.client_secret
            return OAuthClientInformationFull(
                client_id=self._client.client_id,
                client_secret=secret,
                redirect_uris=redirects,
                token_endpoint_auth_method=_method(found.server, has_secret=secret is not None),
            )
        if before is not None and self._is_still_client(before, found, redirect_uri):
            return before.client
        if self._document and should_use_client_metadata_url(found.server, self._document):
            return create_client_info_from_metadata_url(self._document, redirects)
        return await self._register(found, redirects)

    async def _register(self, found: Discovered, redirects: list[AnyUrl]) -> OAuthClientInformationFull:
        if found.server.registration_endpoint is None:
            raise self._no_registration(found.server, "")
        wanted = OAuthClientMetadata(
            redirect_uris=redirects,
            client_name=self._name,
            token_endpoint_auth_method=_method(found.server, has_secret=False),
            scope=found.scope,
        )
        made = create_client_registration_request(found.server, wanted, "")
        registration = {**json.loads(made.content), "application_type": _application_type(redirects[0])}
        response = await self._requests.send(httpx.Request("POST", made.url, json=registration))
        if found.scope and read_object(response).get("error") == "invalid_client_metadata":
            # Some know the scopes of their own API only, and not those of a resource; others want them.
            del registration["scope"]
            response = await self._requests.send(httpx.Request("POST", made.url, json=registration))
        if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise _not_now(found.server, response)
        client = read_client(response, redirects)
        if client is None:
            raise self._no_registration(found.server, _described(response))
        if client.token_endpoint_auth_method not in _METHODS:
            has_secret = client.client_secret is not None
            client.token_endpoint_auth_method = _method(found.server, has_secret=has_secret)
        return client

    def _is_still_client(self, before: Grant, found: Discovered, redirect_uri: str) -> bool:
        """Tell whether a registration is of this authorization server, for this redirect and scope, and not
        over."""
        client = before.client
        registered = client.scope if client.scope is not None else found.scope
        end = client.client_secret_expires_at
        return (
            before.server.issuer == found.server.issuer
            and set((found.scope or "").split()) <= set((registered or "").split())
            and any(str(uri) == str(AnyUrl(redirect_uri)) for uri in client.redirect_uris or ())
            and (not end or end > self._clock())
        )

    def _no_registration(self, server: ServerMetadata, reason: str) -> SignInRequiredError:
        text = Sentence(
            "{server}, where the MCP server at {host} has people sign in, lets no client register by itself. "
            "Register one there, and set its client ID.",
            server=name_of(server),
            host=self._host,
        )
        return SignInRequiredError(
            Sentence("{problem} It says: {reason}", problem=text, reason=reason) if reason else text
        )


def _method(server: ServerMetadata, *, has_secret: bool) -> _Method:
    """Return how a client says who it is at the token endpoint: a public one does not, where that may be."""
    supported = server.token_endpoint_auth_methods_supported
    usable = _METHODS[1:] if has_secret else _METHODS
    if supported is None:  # which means the last (RFC 8414, 2)
        return "client_secret_basic" if has_secret else "none"
    return next((method for method in usable if method in supported), usable[0])


def _application_type(redirect: AnyUrl) -> str:
    """Return what a client with this redirect URI is (OpenID Connect Registration, 2): `web`, which is the
    default, is refused where people come back to their own machine."""
    return "native" if is_loopback(redirect.host or "") else "web"


def _described(response: httpx.Response) -> str:
    """Return what an authorization server says about a registration, in which there is no secret yet."""
    body = read_object(response)
    said = body.get("error_description") or body.get("error") or ""
    return " ".join(said.split())[:_MAX_REASON] if isinstance(said, str) else ""


def _not_now(server: ServerMetadata, response: httpx.Response) -> ServerUnavailableError:
    return ServerUnavailableError(
        Sentence(
            "{server} takes no registration now: HTTP {status}. Try again in a minute.",
            server=name_of(server),
            status=response.status_code,
        )
    )
