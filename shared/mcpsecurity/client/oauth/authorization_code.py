"""Signing in at the authorization server of an MCP server (MCP specification, Authorization; OAuth 2.1).

A sign-in has two halves, `begin` and `complete`, which may run in different processes: what is between them
can be kept. The SDK's `OAuthClientProvider` holds both in one coroutine, and all requests meanwhile.
"""

import asyncio
import base64
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import httpx
from mcp.client.auth import PKCEParameters
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp.types import LATEST_PROTOCOL_VERSION

from mcpsecurity.client.errors import BridgeError, ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth.discovery import Discovery
from mcpsecurity.client.oauth.documents import ServerMetadata, name_of, read_object, read_tokens
from mcpsecurity.client.oauth.grants import ClientId, Grant, PendingSignIn
from mcpsecurity.client.oauth.registration import Registration
from mcpsecurity.client.oauth.requests import BoundedRequests
from mcpsecurity.client.oauth.scopes import joined, needs_consent
from mcpsecurity.sentences import Sentence

_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""An error code, of what RFC 6749, 4.1.2.1 allows."""
_REVOKE_SECONDS: Final = 5.0
_NO_CLIENT: Final = (401, 422)
_NO_POST: Final = (400, 404, 405)
_log = logging.getLogger(__name__)
_NOT_NOW: Final = frozenset({"server_error", "temporarily_unavailable"})
"""Codes with which some servers say, with any status, that another try may succeed."""


class OAuthSignIn:
    """The sign-in for the MCP server at `url`.

    Args:
        url: the MCP endpoint.
        requests: sends the requests.
        client: the client, where the authorization server lets none register by itself.
        client_document: the address of the client's metadata document, for one that takes such clients.
        client_name: what the client is called when it registers.
        issuer: what the authorization server may call itself besides the name that the MCP server has for it.
        clock: gives seconds since 1970.
    """

    def __init__(
        self,
        url: str,
        requests: BoundedRequests,
        *,
        client: ClientId | None = None,
        client_document: str | None = None,
        client_name: str = "mcpsecurity",
        issuer: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self._host = httpx.URL(url).netloc.decode()
        self._requests = requests
        self._discovery = Discovery(url, requests, issuer)
        self._registration = Registration(
            self._host, requests, client=client, document=client_document, name=client_name, clock=clock
        )
        self._clock = clock

    async def probe(self) -> httpx.Response:
        """Return how the MCP server answers to a stranger. Raises `BridgeError`.

        One with the older transport HTTP+SSE, which takes no POST there, may want a token for its stream.
        """
        message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": LATEST_PROTOCOL_VERSION,
        }
        answer = await self._requests.send(httpx.Request("POST", self.url, json=message, headers=headers))
        if answer.status_code in _NO_POST:
            asking = httpx.Request("GET", self.url, headers={"Accept": "text/event-stream"})
            stream = await self._requests.send(asking)
            answer = stream if stream.status_code == httpx.codes.UNAUTHORIZED else answer
        return answer

    async def begin(
        self,
        challenge: httpx.Response,
        redirect_uri: str,
        before: Grant | None = None,
        *,
        scope: str | None = None,
    ) -> PendingSignIn:
        """Begin a sign-in: find the authorization server, and become its client.

        `challenge` is the answer in which the server asked for a token; `before` the last grant, whose
        registration is used again; `scope` has further scopes to ask for.

        Raises:
            SignInRequiredError: nobody can sign in there; the message says why.
            BridgeError: an address is not one to ask, or does not answer.
        """
        found = await self._discovery.find(challenge)
        asked = joined(f"{scope or ''} {found.scope or ''}".split()) or None
        client = await self._registration.client_for(replace(found, scope=asked), redirect_uri, before)
        pkce, state = PKCEParameters.generate(), secrets.token_urlsafe(32)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": pkce.code_challenge,
            "code_challenge_method": "S256",
            "resource": found.resource,
            **({"scope": asked} if asked else {}),
            **({"prompt": "consent"} if needs_consent(asked, found.server) else {}),
        }
        return PendingSignIn(
            url=str(httpx.URL(str(found.server.authorization_endpoint)).copy_merge_params(query)),
            state=state,
            verifier=pkce.code_verifier,
            redirect_uri=redirect_uri,
            resource=found.resource,
            scope=asked,
            server=found.server,
            client=client,
        )

    async def complete(self, pending: PendingSignIn, answer: Mapping[str, str]) -> Grant:
        """Redeem the `answer` that came back in the query of the redirect URI.

        Raises:
            SignInRequiredError: the person or the authorization server declined, or something is wrong.
            ServerUnavailableError: it does not answer.
        """
        self._check(pending, answer)
        data = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.verifier,
        }
        client = pending.client
        response = await self._token_request(pending.server, client, pending.resource, data)
        if _wants_secret(response, client):
            client = client.model_copy(update={"token_endpoint_auth_method": "client_secret_post"})
            response = await self._token_request(pending.server, client, pending.resource, data)
        if not response.is_success or "error" in read_object(response):
            raise self._refused(pending.server, response)
        if (tokens := read_tokens(response)) is None:
            raise SignInRequiredError(_no_token(pending.server))
        return Grant(
            resource=pending.resource,
            scope=tokens.scope or pending.scope,
            server=pending.server,
            client=client,
            tokens=tokens,
            expires_at=self._end_of(tokens),
        )

    async def refresh(self, grant: Grant) -> Grant | None:
        """Return a grant with a new access token; None if only the person can give one.

        Raises:
            ServerUnavailableError: the authorization server does not answer.
        """
        if grant.tokens is None or grant.tokens.refresh_token is None:
            return None
        data = {"grant_type": "refresh_token", "refresh_token": grant.tokens.refresh_token}
        response = await self._token_request(grant.server, grant.client, grant.resource, data)
        if _is_down(response):
            raise self._refused(grant.server, response)
        if not response.is_success or "error" in read_object(response):
            return None
        if (tokens := read_tokens(response)) is None:
            raise ServerUnavailableError(_no_token(grant.server))
        if tokens.refresh_token is None:
            tokens = tokens.model_copy(update={"refresh_token": grant.tokens.refresh_token})
        scope = tokens.scope or grant.scope
        changed = {"tokens": tokens, "scope": scope, "expires_at": self._end_of(tokens)}
        return grant.model_copy(update=changed)

    async def revoke(self, grant: Grant) -> None:
        """Have the authorization server forget a grant (RFC 7009), if it takes that.

        A failure is logged only, as the person is signed out all the same.
        """
        endpoint, tokens = grant.server.revocation_endpoint, grant.tokens
        if endpoint is None or tokens is None:
            return
        kind = "refresh_token" if tokens.refresh_token is not None else "access_token"
        data = {"token": tokens.refresh_token or tokens.access_token, "token_type_hint": kind}
        try:
            async with asyncio.timeout(_REVOKE_SECONDS):
                answer = await self._posted(str(endpoint), grant.client, data)
                if answer.status_code == httpx.codes.BAD_REQUEST:  # the SDK's servers want this member
                    answer = await self._posted(str(endpoint), grant.client, {"client_secret": "", **data})
        except (BridgeError, TimeoutError) as error:
            _log.warning("a token for %s was not revoked: %s", self._host, type(error).__name__)
            return
        if not answer.is_success:
            _log.warning("a token for %s was not revoked: HTTP %d", self._host, answer.status_code)

    async def authorization_servers(self) -> list[str]:
        """Return the authorization servers that the MCP server names in its answer to a stranger; none if it
        wants no token, or does not say. Raises `BridgeError`."""
        challenge = await self.probe()
        if challenge.status_code != httpx.codes.UNAUTHORIZED:
            return []
        return await self._discovery.named(challenge)

    async def wants_sign_in(self, answer: httpx.Response) -> bool:
        """Tell whether the MCP server, which gave a stranger this answer, has people sign in.

        One that wants a token for some requests only, or refuses strangers by 403, says so in its metadata.
        Raises `BridgeError`.
        """
        if answer.status_code == httpx.codes.UNAUTHORIZED or await self._discovery.named(answer):
            return True
        return answer.status_code == httpx.codes.FORBIDDEN and await self._discovery.describes_itself()

    async def _token_request(
        self, server: ServerMetadata, client: OAuthClientInformationFull, resource: str, data: dict[str, str]
    ) -> httpx.Response:
        return await self._posted(str(server.token_endpoint), client, {**data, "resource": resource})

    async def _posted(
        self, endpoint: str, client: OAuthClientInformationFull, data: dict[str, str]
    ) -> httpx.Response:
        """Return the answer to a form that says who the client is (RFC 6749, 2.3)."""
        client_id, secret = client.client_id or "", client.client_secret
        data = {**data, "client_id": client_id}
        headers = {"Accept": "application/json"}
        method = client.token_endpoint_auth_method
        pairs: list[tuple[str, str]] = []
        if secret and method == "client_secret_basic":
            encoded = quote(client_id, safe=""), quote(secret, safe="")  # RFC 6749, 2.3.1
            pairs = [encoded] if encoded == (client_id, secret) else [encoded, (client_id, secret)]
        elif secret and method == "client_secret_post":
            data["client_secret"] = secret
        for pair in pairs:  # some, as oauth2-server for Node, do not decode them
            basic = headers | {"Authorization": f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}"}
            answer = await self._requests.send(httpx.Request("POST", endpoint, data=data, headers=basic))
            if not _is_unknown(answer) or pair == pairs[-1]:
                return answer
        return await self._requests.send(httpx.Request("POST", endpoint, data=data, headers=headers))

    def _check(self, pending: PendingSignIn, answer: Mapping[str, str]) -> None:
        """Check that an answer belongs to the sign-in (RFC 6749, 10.12; RFC 9207), and has a code."""
        if not hmac.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise SignInRequiredError(Sentence("This answer does not belong to the sign-in that was begun."))
        name, issuer = name_of(pending.server), answer.get("iss")
        server = pending.server
        if issuer is None:  # django-oauth-toolkit names it only with a code
            is_another = server.authorization_response_iss_parameter_supported and "error" not in answer
        else:  # compared as text (RFC 9207, 2.4)
            is_another = issuer != (server.issuer_as_written or str(server.issuer))
        if is_another:
            raise SignInRequiredError(
                Sentence("The sign-in came from another authorization server than {server}.", server=name)
            )
        if answer.get("error") == "access_denied":
            raise SignInRequiredError(
                Sentence("You did not sign in at {server}, or it gave no access.", server=name)
            )
        if "error" in answer or not answer.get("code"):
            reason = _code(answer.get("error")) or Sentence("it gave no reason")
            raise SignInRequiredError(
                Sentence("{server} did not complete the sign-in: {reason}.", server=name, reason=reason)
            )

    def _end_of(self, tokens: OAuthToken) -> float | None:
        return self._clock() + tokens.expires_in if tokens.expires_in is not None else None

    def _refused(
        self, server: ServerMetadata, response: httpx.Response
    ) -> SignInRequiredError | ServerUnavailableError:
        """Return the error of a refusal. Only its code is repeated: the rest may quote secrets."""
        reason = _code(read_object(response).get("error")) or f"HTTP {response.status_code}"
        text = Sentence("{server} gave no token: {reason}.", server=name_of(server), reason=reason)
        return ServerUnavailableError(text) if _is_down(response) else SignInRequiredError(text)


def _code(error: object) -> str | None:
    return error if isinstance(error, str) and _CODE.fullmatch(error) else None


def _no_token(server: ServerMetadata) -> Sentence:
    return Sentence("{server} answered the sign-in with something that is no token.", server=name_of(server))


def _wants_secret(response: httpx.Response, client: OAuthClientInformationFull) -> bool:
    """Tell whether a client is refused that was given a secret, and told not to send it."""
    if not client.client_secret or client.token_endpoint_auth_method not in (None, "none"):
        return False
    return _is_unknown(response)


def _is_unknown(response: httpx.Response) -> bool:
    """Tell whether an authorization server does not believe that the client is who it says."""
    return response.status_code in _NO_CLIENT or read_object(response).get("error") == "invalid_client"


def _is_down(response: httpx.Response) -> bool:
    """Tell whether another try may succeed, so that a refusal says nothing about the client or the grant."""
    if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return True
    error = read_object(response).get("error")
    return isinstance(error, str) and error in _NOT_NOW
