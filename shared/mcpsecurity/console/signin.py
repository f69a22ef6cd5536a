"""Signing in from a terminal, by browser or device code."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msal  # type: ignore[import-untyped] # ships no types
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from mcpsecurity.console.browser import sign_in_by_browser
from mcpsecurity.oidc.msal_http import msal_session
from mcpsecurity.runtime.closing import ClosedOnExit
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity.runtime.threads import in_daemon_thread

Tell = Callable[[str], None]

_SIGN_IN_SECONDS = 300
MICROSOFT = (
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
)
"""The sign-in hosts of the public cloud and of national ones."""


class MsalCredential(ClosedOnExit):
    """An azure-core `AsyncTokenCredential` of the person at the terminal.

    A token comes from the cache, or by a refresh, and only then by a sign-in: in the browser, which returns
    to a free port of this machine (RFC 8252), or by a code that is entered on any device (RFC 8628).

    Args:
        tell: shows the person where to sign in.
        assertion: returns a token that proves who the program is, as `AzureIdentity` does. Without it, and
            for a sign-in by code, it is a public client.
    """

    def __init__(
        self,
        client_id: str,
        authority: str,
        tenant_id: str,
        *,
        cache: msal.TokenCache,
        tell: Tell,
        device_code: bool = False,
        ca_file: Path | None = None,
        assertion: Callable[[], str] | None = None,
    ) -> None:
        self._device_code = device_code
        self._assertion = None if device_code else assertion
        self._tell = tell
        self._http = msal_session(ca_file, proxy=proxy_for(authority))
        self._app: msal.ClientApplication | None = None
        self._options: dict[str, Any] = {
            "client_id": client_id,
            "authority": f"{authority}/{tenant_id}",
            "token_cache": cache,
            "instance_discovery": authority in MICROSOFT,
            "http_client": self._http,
            "client_capabilities": ["CP1"],  # it can take a claims challenge
        }

    async def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """Return a token for the scopes, signing the person in if need be.

        Raises:
            ClientAuthenticationError: Entra gives no token; the message is its own.
        """
        return await self._get(scopes, claims, force_refresh=False)

    async def get_fresh_token(self, *scopes: str, claims: str | None = None) -> AccessToken:
        """Return a token that was made just now: the one in the cache was refused. Raises as `get_token`."""
        return await self._get(scopes, claims, force_refresh=True)

    async def _get(self, scopes: tuple[str, ...], claims: str | None, *, force_refresh: bool) -> AccessToken:
        try:
            answer = await in_daemon_thread(lambda: self._silent(list(scopes), claims, force_refresh))
            if answer is None:
                answer = await self._interactive(list(scopes), claims)
        except (requests.RequestException, ValueError, RuntimeError) as error:  # what MSAL raises
            raise ClientAuthenticationError(f"{type(error).__name__}: {error}") from error
        if "access_token" not in answer:
            raise ClientAuthenticationError(
                str(answer.get("error_description") or answer.get("error") or "The sign-in did not succeed.")
            )
        return AccessToken(answer["access_token"], int(time.time()) + int(answer["expires_in"]))

    @property
    def username(self) -> str | None:
        """Who is signed in."""
        accounts = self._app.get_accounts() if self._app is not None else []
        return accounts[0].get("username") if accounts else None

    async def sign_out(self) -> None:
        """Forget every token of this application."""
        await in_daemon_thread(self._forget)

    async def close(self) -> None:
        """Close the connections to the tenant."""
        self._http.close()

    def _application(self) -> msal.ClientApplication:
        """Return MSAL's application. Its first making asks the tenant for its metadata, so it blocks."""
        if self._app is None and self._assertion is not None:
            credential = {"client_assertion": self._assertion}
            self._app = msal.ConfidentialClientApplication(**self._options, client_credential=credential)
        elif self._app is None:
            self._app = msal.PublicClientApplication(**self._options)
        return self._app

    def _silent(self, scopes: list[str], claims: str | None, force_refresh: bool) -> dict[str, Any] | None:
        app = self._application()
        accounts = app.get_accounts()
        if not accounts:
            return None
        answer = app.acquire_token_silent(
            scopes, account=accounts[0], claims_challenge=claims, force_refresh=force_refresh
        )
        return dict(answer) if answer else None

    async def _interactive(self, scopes: list[str], claims: str | None) -> dict[str, Any]:
        if self._assertion is not None:
            self._tell("Sign in in the browser that opens now.")
            app = await in_daemon_thread(self._application)
            return await sign_in_by_browser(app, scopes, claims, self.username)
        sign_in = self._by_code if self._device_code else self._by_browser
        return await in_daemon_thread(lambda: sign_in(scopes, claims))

    def _by_browser(self, scopes: list[str], claims: str | None) -> dict[str, Any]:
        self._tell("Sign in in the browser that opens now; `--device-code` works without one.")
        return dict(
            self._application().acquire_token_interactive(
                scopes, claims_challenge=claims, login_hint=self.username, timeout=_SIGN_IN_SECONDS
            )
        )

    def _by_code(self, scopes: list[str], claims: str | None) -> dict[str, Any]:
        app = self._application()
        flow = app.initiate_device_flow(scopes, claims_challenge=claims)
        if "user_code" not in flow:
            return dict(flow)
        self._tell(str(flow["message"]))
        return dict(app.acquire_token_by_device_flow(flow, claims_challenge=claims))

    def _forget(self) -> None:
        app = self._application()
        for account in app.get_accounts():
            app.remove_account(account)
