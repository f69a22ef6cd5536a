"""Tokens for an MCP server from any credential of azure-identity."""

import asyncio
import base64
import binascii
import inspect
import re
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

import httpx

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


__all__ = ["Credential", "CredentialAuth", "Refreshable"]

Credential: TypeAlias = "TokenCredential | AsyncTokenCredential"
"""What azure-core calls a credential. Interactive ones come in the first kind only; both do here."""


@runtime_checkable
class Refreshable(Protocol):
    """A credential that can leave its cache aside, which azure-core's cannot be asked to."""

    async def get_fresh_token(self, scope: str, *, claims: str | None = None) -> "AccessToken":
        """Return a token that was made just now."""


_REFRESH_BEFORE = 300.0  # seconds before its end that a token is replaced, as azure-core does
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/=_-]+)"')
_MAX_REASON = 300


class CredentialAuth(httpx.Auth):
    """Puts a token of `credential` for `scope` on each request.

    A token is kept until five minutes before its end: some credentials start a program for each. A 401 is
    answered once with another token, got with the claims challenge if there is one (continuous access
    evaluation); where the credential has no other token, the 401 stands.

    The scope is always the caller's choice, never the server's: a server that could name it would be handed a
    token for something else.
    """

    requires_response_body = False

    def __init__(self, credential: Credential, scope: str, *, clock: Callable[[], float] = time.time) -> None:
        self._credential = credential
        self._scope = scope
        self._clock = clock
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token, and on a 401 once more with another one.

        Raises:
            SignInRequiredError: the credential has no token; `scope` is what was asked for.
        """
        token = await self._get()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        other = await self._get(refused=token, claims=_claims(response))
        if other != token:
            request.headers["Authorization"] = f"Bearer {other}"
            yield request

    async def _get(self, refused: str | None = None, claims: str | None = None) -> str:
        """Return a token; one caller at a time, so that no more than one sign-in window opens."""
        async with self._lock:
            held = self._token
            usable = held is not None and held.expires_on - _REFRESH_BEFORE > self._clock()
            if held is None or not usable or held.token == refused:
                anew = held is not None and held.token == refused
                self._token = held = await self._ask(claims, anew=anew)
            return held.token

    async def _ask(self, claims: str | None, *, anew: bool) -> "AccessToken":
        options: dict[str, Any] = {"claims": claims, "enable_cae": True} if claims is not None else {}
        credential = self._credential
        try:
            if anew and isinstance(credential, Refreshable):
                return await credential.get_fresh_token(self._scope, claims=claims)
            get_token = credential.get_token
            if inspect.iscoroutinefunction(get_token):
                return cast("AccessToken", await get_token(self._scope, **options))
            return await in_daemon_thread(lambda: cast("AccessToken", get_token(self._scope, **options)))
        except AzureError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise SignInRequiredError(
                f"The credential has no token for {self._scope}: {lines[0][:_MAX_REASON]}", scope=self._scope
            ) from error


def _claims(response: httpx.Response) -> str | None:
    """Return the claims challenge of a 401, which Entra's rules have base64-encoded."""
    found = _CLAIMS.search(response.headers.get("WWW-Authenticate", ""))
    if found is None:
        return None
    text = found[1]
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
