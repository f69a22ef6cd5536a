"""Tokens of an authorization server that the MCP server names, for each request to it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto
from typing import Final, Protocol

import httpx

from mcpsecurity.client.challenges import challenge_of, challenge_parameters
from mcpsecurity.client.errors import BridgeError, ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth.authorization_code import OAuthSignIn
from mcpsecurity.client.oauth.grants import Grant, GrantStore, read_grant
from mcpsecurity.sentences import Sentence
from mcpsecurity.server_headers import check_address

_TRIES: Final = 2
_MOST_SCOPES: Final = 20


class Page(Protocol):
    """A page on which a person signs in, and from which the browser comes back to `redirect_uri`."""

    redirect_uri: str

    async def answer(self, url: str, state: str) -> Mapping[str, str]:
        """Open `url`, and return the query of the answer that has this state.

        Raises:
            SignInRequiredError: nobody has signed in.
        """


class Person(Protocol):
    """A person who can be asked to sign in."""

    def page(self, before: str | None) -> AbstractAsyncContextManager[Page]:
        """Return a page, with the redirect URI of the one `before` if it is free."""


class MemoryStore:
    """A `GrantStore` that lasts as long as the program."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> str | None:
        """Return what was saved last."""
        return self._text

    async def save(self, text: str | None) -> None:
        """Keep a text."""
        self._text = text

    def renewing(self) -> AbstractAsyncContextManager[None]:
        """Return what keeps others that have this store from renewing the grant meanwhile."""
        return self._lock


class _Source(Enum):
    KEPT = auto()
    REFRESH = auto()
    SIGN_IN = auto()


class OAuthAuth(httpx.Auth):
    """Puts a token of the authorization server that the MCP server names on each request to it.

    The token comes from `store`, or by a refresh, and only then by a sign-in of `person`. A 401 is answered
    by a refresh and, if that does not help, by a sign-in; a 403 that names scopes by a sign-in for them. A
    token that is refused at once after a sign-in is not followed by another sign-in, nor is a DELETE, which
    ends the session. Tokens go to the origin of the MCP server only, by https, or to this machine.

    Requests that wait for the same sign-in share its outcome. The others are not held up.
    """

    requires_response_body = False

    def __init__(
        self,
        sign_in: OAuthSignIn,
        person: Person,
        store: GrantStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sign_in = sign_in
        self._person = person
        self._store = store or MemoryStore()
        self._clock = clock
        self._lock = asyncio.Lock()
        self._loaded = False
        self._grant: Grant | None = None
        self._source = _Source.KEPT
        self._renewing: asyncio.Task[str | None] | None = None
        self._accepted: str | None = None
        self._failed: list[BridgeError] = []
        self._stepped: set[str] = set()

    @property
    def authorization_server(self) -> str | None:
        """Where the person is signed in, if anywhere."""
        grant = self._grant
        return grant.server.issuer.host if grant is not None and grant.tokens is not None else None

    async def sign_out(self) -> None:
        """Forget the tokens and the registration, and have the authorization server forget them."""
        async with self._lock:
            if self._renewing is not None and not self._renewing.done():  # its token would come back
                await asyncio.wait({self._renewing})
            grant = self._grant if self._loaded else read_grant(await self._store.load())
            self._grant, self._loaded = None, True
            await self._store.save(None)
        if grant is not None:
            await self._sign_in.revoke(grant)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token, and at most twice more with others.

        Raises:
            SignInRequiredError: there is no token; the message says why.
            BridgeError: one may not be sent there, or the authorization server cannot be used.
        """
        self._check(request.url)
        token = await self._current()
        for _ in range(_TRIES + 1):
            if token is not None:
                request.headers["Authorization"] = f"Bearer {token}"
            response = yield request
            if not await self._wants_another(response, token):
                self._accepted = token
                return
            other = await self._other(response, token) if request.method != "DELETE" else None
            if other is None:
                return
            token = other

    async def _wants_another(self, response: httpx.Response, token: str | None) -> bool:
        """Tell whether a response asks for a token, or another one. Some refuse strangers by a bare 403."""
        if response.status_code != httpx.codes.FORBIDDEN:
            return response.status_code == httpx.codes.UNAUTHORIZED
        if challenge_of(response) is not None:
            return True
        try:
            return token is None and await self._sign_in.wants_sign_in(response)
        except BridgeError:
            return False

    def _check(self, url: httpx.URL) -> None:
        own = httpx.URL(self._sign_in.url)
        try:
            check_address(str(url))
        except ValueError as error:
            raise BridgeError(
                Sentence(
                    "The MCP server at {host} is not asked: a token is sent by https only.",
                    host=url.netloc.decode(),
                )
            ) from error
        if (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port):
            raise BridgeError(
                Sentence(
                    "The token of the MCP server at {host} is not sent to {other}.",
                    host=own.netloc.decode(),
                    other=url.netloc.decode(),
                )
            )

    async def _current(self) -> str | None:
        """Return the token to begin with, if there is one."""
        if not self._loaded or self._is_over():
            async with self._lock:
                if not self._loaded:
                    self._grant, self._loaded = read_grant(await self._store.load()), True
                if self._grant is not None and self._is_over():
                    await self._renewed_in_time(self._grant)
        return self._grant.access_token if self._grant is not None else None

    async def _renewed_in_time(self, grant: Grant) -> None:
        """Refresh a token that ends soon; while the authorization server is down it is used to its end."""
        try:
            await self._refresh(grant)
        except ServerUnavailableError:
            if not grant.is_good(self._clock()):
                raise

    def _is_over(self) -> bool:
        grant = self._grant
        return grant is not None and grant.should_be_renewed(self._clock())

    async def _other(self, response: httpx.Response, refused: str | None) -> str | None:
        """Return another token than the refused one; None if the refusal stands.

        Of several requests that come here together, one has the person sign in.
        """
        failures = len(self._failed)
        async with self._lock:
            held = self._grant.access_token if self._grant is not None else None
            if held is not None and held != refused:
                return held
            if len(self._failed) > failures:
                raise self._failed[-1]
            try:
                if response.status_code == httpx.codes.FORBIDDEN:
                    return await self._step_up(response)
                return await self._renewed(response, refused)
            except BridgeError as error:
                self._failed.append(error)
                raise

    async def _renewed(self, response: httpx.Response, refused: str | None) -> str | None:
        grant = self._grant
        if grant is not None and refused is not None:
            if self._source is _Source.SIGN_IN and refused != self._accepted:
                host = httpx.URL(self._sign_in.url).netloc.decode()
                raise SignInRequiredError(
                    Sentence(
                        "The MCP server at {host} refuses the token of its own sign-in at {server}.",
                        host=host,
                        server=grant.server.issuer.host,
                    )
                )
            refreshed = self._source is _Source.REFRESH and refused != self._accepted
            if not refreshed and (token := await self._refresh(grant)) is not None:
                return token
        return await self._signed_in(response)

    async def _refresh(self, grant: Grant) -> str | None:
        """Get a new token without the person; without one, forget the old one and keep the registration.

        That goes on when the caller has left, since a refresh token may be good once only. So another
        program's new token is used in place of one more.
        """
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(grant), name="oauth-refresh")
        return await asyncio.shield(self._renewing)

    async def _renew(self, grant: Grant) -> str | None:
        async with self._store.renewing():
            stored = read_grant(await self._store.load())
            if stored is not None and stored.access_token not in (None, grant.access_token):
                self._grant, self._source = stored, _Source.KEPT
                if not self._is_over():
                    return stored.access_token
                grant = stored
            renewed = await self._sign_in.refresh(grant)
            kept = renewed or grant.model_copy(update={"tokens": None, "expires_at": None})
            await self._keep(kept, _Source.REFRESH)
        return kept.access_token

    async def _step_up(self, response: httpx.Response) -> str | None:
        """Have the person sign in for the scopes that a request needs besides those held, once for each."""
        wanted = challenge_parameters(response).get("scope", "")
        if wanted in self._stepped or len(self._stepped) >= _MOST_SCOPES:
            return None
        self._stepped.add(wanted)
        return await self._signed_in(response, self._grant.scope if self._grant is not None else None)

    async def _signed_in(self, response: httpx.Response, scope: str | None = None) -> str | None:
        before = self._grant
        redirects = before.client.redirect_uris if before is not None else None
        async with self._person.page(str(redirects[0]) if redirects else None) as page:
            pending = await self._sign_in.begin(response, page.redirect_uri, before, scope=scope)
            if before is not None and before.tokens is None:
                await self._forget()  # an authorization server that knows it no more tells the person only
            answer = await page.answer(pending.url, pending.state)
            grant = await self._sign_in.complete(pending, answer)
        await self._keep(grant, _Source.SIGN_IN)
        return grant.access_token

    async def _forget(self) -> None:
        self._grant = None
        await self._store.save(None)

    async def _keep(self, grant: Grant, source: _Source) -> None:
        self._grant, self._source = grant, source
        await self._store.save(grant.model_dump_json())
