"""Tokens for an MCP server from any credential of azure-identity."""

import asyncio
import inspect
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

import httpx

from mcpsecurity.client.challenges import Challenge, challenge_of, scopes_with
from mcpsecurity.client.errors import SignInRequiredError
from mcpsecurity.runtime.threads import in_daemon_thread

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import AzureError
else:
    try:
        from azure.core.exceptions import AzureError
    except ModuleNotFoundError:  # it comes with the extras that bring azure-identity

        class AzureError(Exception): ...


Credential: TypeAlias = "TokenCredential | AsyncTokenCredential"
"""A credential of azure-core, sync or async; interactive ones are sync only."""


@runtime_checkable
class Refreshable(Protocol):
    """A credential that can bypass its cache, for which azure-core has no method."""

    async def get_fresh_token(self, *scopes: str, claims: str | None = None) -> "AccessToken":
        """Return a token that was made just now."""


_log = logging.getLogger(__name__)
_TRIES = 2
_WISHES = 8
_REFRESH_BEFORE = 300.0  # seconds before its end that a token is replaced, as azure-core does
_MAX_REASON = 300


class CredentialAuth(httpx.Auth):
    """Puts a token of `credential` for `scope` on each request.

    A token is kept until five minutes before its end: some credentials start a program for each. A 401 is
    answered once with another token, got with the claims challenge if there is one; where the credential has
    no other token, the 401 stands. From the first request on the credential is asked for tokens of continuous
    access evaluation, which tell the server that a challenge can be answered (`CP1`).

    A 403 that names scopes is answered once with a token that has them, too; the person may have to consent.
    A request may meet both, in either order.

    `within` runs what asks the credential; without it that is the task which sends the request.
    The API is always the caller's choice, never the server's, which would otherwise be handed a token for
    something else: of the scopes that a server names, only permissions of the caller's API count.
    """

    requires_response_body = False

    def __init__(
        self,
        credential: Credential,
        scope: str,
        *,
        within: "Callable[[Coroutine[Any, Any, AccessToken]], Awaitable[AccessToken]] | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credential = credential
        self._scopes: tuple[str, ...] = (scope,)
        self._declined: Counter[tuple[str, ...]] = Counter()
        self._within = within
        self._clock = clock
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token; on a 401, and on a 403 that names scopes, once more each with another one.

        Raises:
            SignInRequiredError: the credential has no token; `scope` is the requested one.
        """
        token, answered = await self._get(), set[int]()
        while True:
            request.headers["Authorization"] = f"Bearer {token}"
            response = yield request
            other = await self._other(response, token) if response.status_code not in answered else token
            if other == token:
                return
            answered.add(response.status_code)
            token = other

    async def _other(self, response: httpx.Response, refused: str) -> str:
        """Return a token that satisfies what the response asks for; without such a token, the refused one."""
        challenge = challenge_of(response)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            claims = challenge.claims if challenge is not None else None
            return await self._get(refused=refused, claims=claims)
        return await self._step_up(challenge, refused) if challenge is not None else refused

    async def _get(self, refused: str | None = None, claims: str | None = None) -> str:
        """Return a token; one caller at a time, so that no more than one sign-in window opens."""
        async with self._lock:
            held = self._token
            usable = held is not None and held.expires_on - _REFRESH_BEFORE > self._clock()
            if held is None or not usable or held.token == refused:
                force_refresh = held is not None and held.token == refused
                self._token = held = await self._asked(self._scopes, claims, force_refresh=force_refresh)
            return held.token

    async def _step_up(self, challenge: Challenge, refused: str) -> str:
        """Return a token for more scopes, or the refused one if the person does not consent.

        A server that names other scopes again and again is followed a few times only.
        """
        async with self._lock:
            if self._token is not None and self._token.token != refused:
                return self._token.token  # another request has stepped up meanwhile
            wanted = scopes_with(self._scopes, challenge.scope)
            if wanted == self._scopes or self._declined[wanted] >= _TRIES or len(self._declined) >= _WISHES:
                return refused
            self._declined[wanted] += 1
            try:
                self._token = await self._asked(wanted, None, force_refresh=False)
            except SignInRequiredError as error:
                _log.info("no token with more scopes: %s", error)
                return refused
            self._scopes = wanted
            return self._token.token

    async def _asked(
        self, scopes: tuple[str, ...], claims: str | None, *, force_refresh: bool
    ) -> "AccessToken":
        asking = self._ask(scopes, claims, force_refresh=force_refresh)
        return await (asking if self._within is None else self._within(asking))

    async def _ask(
        self, scopes: tuple[str, ...], claims: str | None, *, force_refresh: bool
    ) -> "AccessToken":
        credential = self._credential
        try:
            if force_refresh and isinstance(credential, Refreshable):
                return await credential.get_fresh_token(*scopes, claims=claims)
            get_token = credential.get_token
            options = _known_to(get_token, claims=claims, enable_cae=True)
            if inspect.iscoroutinefunction(get_token):
                return cast("AccessToken", await get_token(*scopes, **options))
            return await in_daemon_thread(lambda: cast("AccessToken", get_token(*scopes, **options)))
        except AzureError as error:
            scope = " ".join(scopes)
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise SignInRequiredError(
                f"The credential has no token for {scope}: {lines[0][:_MAX_REASON]}", scope=scope
            ) from error


def _known_to(get_token: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Return the keyword arguments that a credential takes: not each has all that azure-core names."""
    parameters = inspect.signature(get_token).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {name: value for name, value in options.items() if takes_any or name in parameters}
