"""The on-behalf-of flow: exchanges the access token of a request for the same person's for another API.

The incoming token is never sent to the other API. The exchanged token is cached under the hash of the
incoming one, since MSAL asks Entra each time. MSAL and requests block, so they run in threads of their own.
"""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Self

import msal  # type: ignore[import-untyped]  # ships no types
import orjson
import requests
from msal.exceptions import MsalError  # type: ignore[import-untyped]  # ships no types

from mcpsecurity.oidc import Timer
from mcpsecurity.oidc.client_credential import ClientCredential
from mcpsecurity.oidc.msal_http import msal_session
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.profile.errors import (
    ConsentNeededError,
    NotAvailableError,
    ProfileError,
    SignInNeededError,
)

_log = logging.getLogger(__name__)

_UNUSABLE = (requests.RequestException, MsalError, ValueError, TypeError, LookupError, AttributeError)
"""Errors that MSAL raises if Entra cannot be reached or its response is malformed."""
_ERROR = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_CONSENT = {65001, 65004}
_TIMEOUT = 10.0
_MAX_REMEMBERED = 1000
_EARLY = 300.0  # seconds before its expiry at which a token is replaced
_THREADS = 4
_LONGEST_CLAIMS = 2000


class OnBehalfOf:
    """Gets tokens for an API on behalf of callers. Use it inside `async with`.

    `timer` gives monotonic seconds.
    """

    def __init__(
        self,
        authority: str,
        client_id: str,
        credential: ClientCredential,
        ca_file: Path | None,
        *,
        timer: Timer = time.monotonic,
    ) -> None:
        self._authority = authority
        self._client_id = client_id
        self._credential = credential
        self._ca_file = ca_file
        self._lock = Lock()
        self._applications: dict[str, msal.ConfidentialClientApplication] = {}
        self._timer = timer
        self._tokens: dict[bytes, tuple[str, float]] = {}
        self._http: requests.Session | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        self._http = msal_session(self._ca_file, proxy=proxy_for(self._authority))
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="on-behalf-of")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self._http is not None:
            self._http.close()

    async def token(self, principal: Principal, scopes: list[str], claims: str | None = None) -> str:
        """Return an access token of the principal for `scopes`, all of one API.

        With `claims`, the API's challenge, a new one that satisfies it.

        Raises:
            ProfileError: Entra refused, or cannot be reached.
        """
        known, until = self._tokens.get(_key(principal, scopes), ("", 0.0))
        if self._timer() < until and claims is None:
            return known
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._threads, self._acquire, principal, scopes, claims)
        except _UNUSABLE as error:
            _log.warning("on-behalf-of failed: %s", type(error).__name__)
            raise NotAvailableError("The sign-in service cannot be reached; try again later.") from error
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise _refusal(answer)
        lifetime = str(answer.get("expires_in"))
        self._remember(_key(principal, scopes), token, float(lifetime) if lifetime.isdecimal() else 0.0)
        return token

    def forget(self, principal: Principal, scopes: list[str]) -> None:
        """Ask Entra again next time: the API did not accept the token."""
        self._tokens.pop(_key(principal, scopes), None)

    def _remember(self, key: bytes, token: str, lifetime: float) -> None:
        self._tokens.pop(key, None)
        while len(self._tokens) >= _MAX_REMEMBERED:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key] = (token, self._timer() + lifetime - _EARLY)

    def _acquire(self, principal: Principal, scopes: list[str], claims: str | None) -> dict[str, Any]:
        answer: dict[str, Any] = self._application(principal.tenant_id).acquire_token_on_behalf_of(
            user_assertion=principal.token, scopes=scopes, claims_challenge=claims
        )
        return answer

    def _application(self, tenant_id: str) -> msal.ConfidentialClientApplication:
        with self._lock:
            application = self._applications.get(tenant_id)
            if application is None:
                application = self._applications[tenant_id] = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=self._credential,
                    authority=f"{self._authority}/{tenant_id}",
                    instance_discovery=False,
                    token_cache=_KeepsNothing(),
                    http_client=self._http,
                    client_capabilities=["CP1"],  # it passes a claims challenge on
                )
            return application


def _key(principal: Principal, scopes: list[str]) -> bytes:
    return sha256(" ".join((principal.token, *scopes)).encode()).digest()


class _KeepsNothing(msal.TokenCache):  # type: ignore[misc]  # ships no types
    """MSAL never reads what the flow put into its cache: refresh tokens would only pile up there."""

    def add(self, event: object, now: object = None) -> None:
        """Forget it."""


def claims_text(value: object) -> str | None:
    """Return a claims challenge that is JSON text of an object and fits into a header; None otherwise."""
    if not isinstance(value, str) or len(value) > _LONGEST_CLAIMS:
        return None
    try:
        return value if isinstance(orjson.loads(value), dict) else None
    except orjson.JSONDecodeError:
        return None


def _refusal(answer: Mapping[str, Any]) -> ProfileError:
    """Translate Entra's error; details stay in the log, without claims and descriptions."""
    listed = answer.get("error_codes")
    codes = [code for code in listed if isinstance(code, int)] if isinstance(listed, list) else []
    error = str(answer.get("error"))
    named = f"AADSTS{codes[0]}" if codes else (error if _ERROR.fullmatch(error) else "unknown error")
    correlation = str(answer.get("correlation_id"))
    known = correlation if _ERROR.fullmatch(correlation) else "unknown"
    _log.warning("on-behalf-of refused: %s, correlation id %s", named, known)
    if _CONSENT.intersection(codes):
        return ConsentNeededError(
            "This server has no consent to read your profile: an administrator has to grant its app "
            f"registration the Microsoft Graph permission User.Read ({named})."
        )
    if answer.get("claims") or answer.get("error") == "interaction_required":
        return SignInNeededError(
            f"Your organisation asks for another step at sign-in before your profile can be read ({named}): "
            "sign out, sign in again, and repeat the call.",
            claims_text(answer.get("claims")),
        )
    return NotAvailableError(f"Your profile cannot be read: Entra ID refused ({named}).")
