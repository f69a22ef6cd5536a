"""The application's side of Entra ID: MSAL does the flows, we verify the tokens that they return."""

import asyncio
import hashlib
import logging
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

import aiohttp
import msal  # type: ignore[import-untyped] # it has no types
import requests
from msal.exceptions import MsalError  # type: ignore[import-untyped] # likewise
from yarl import URL

from mcpsecurity.client import Challenge, ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.challenges import scopes_with
from mcpsecurity.oidc import CachePolicy, OidcError, OidcProvider, TokenError
from mcpsecurity.oidc.azure_identity import azure_identity
from mcpsecurity.oidc.client_credential import ClientCredential, client_credential
from mcpsecurity.oidc.msal_http import UnknownTenantError, msal_session
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity_webclient.auth.entra_errors import of_provider, refused, unknown_tenant, unreachable
from mcpsecurity_webclient.auth.token_cache import TokenCacheStore
from mcpsecurity_webclient.errors import SignInError
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.settings import WebSettings

_log = logging.getLogger(__name__)
T = TypeVar("T")
_TIMEOUT = 15.0
_THREADS = 16
_MOST_SCOPES = 20
_PATIENCE = CachePolicy(retry_after=1.0)
"""A person who tries again while the tenant recovers is not put off for long."""
_KNOWN_AUTHORITIES = {
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person whose ID token was verified."""

    object_id: str
    tenant_id: str
    name: str
    username: str
    login_hint: str | None
    roles: tuple[str, ...] = ()


class EntraClient:
    """A confidential client, to be entered before use. MSAL blocks, so its calls run in threads.

    `caches` holds each session's tokens; `tls` has the trusted authorities, `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        settings: WebSettings,
        caches: TokenCacheStore,
        tls: ssl.SSLContext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._caches = caches
        self._tls = tls
        self._clock = clock
        self._opened: OidcProvider | None = None
        self._resources = AsyncExitStack()
        self._http = msal_session(settings.ca_file, timeout=_TIMEOUT, proxy=proxy_for(settings.authority))
        # Threads of its own: a slow tenant must not take those in which everybody's host names are resolved.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="msal")
        self._locks: dict[str, asyncio.Lock] = {}
        self._apps: dict[str, msal.ConfidentialClientApplication] = {}
        self._credential: ClientCredential | None = None

    async def __aenter__(self) -> Self:
        """Begin to read the tenant's metadata and keys; the service starts even if the tenant is down."""
        settings = self._settings
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=4)
        session = await self._resources.enter_async_context(
            aiohttp.ClientSession(connector=connector, proxy=proxy_for(settings.authority))
        )
        self._opened = await self._resources.enter_async_context(
            OidcProvider(
                session,
                settings.authority,
                settings.tenant_id,
                clock=self._clock,
                policy=_PATIENCE,
                issuer=settings.issuer,
            )
        )
        warming = asyncio.create_task(self._warm(), name="read the tenant's metadata")
        self._resources.callback(warming.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._resources.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    @property
    def scopes(self) -> list[str]:
        """What the person is asked to consent to: the scope of the first server that has one."""
        return [s.scope for s in self._settings.servers if s.scope][:1]

    async def begin(self, scope: str | None = None, **options: Any) -> dict[str, Any]:
        """Return a new flow; the person goes to its `auth_uri`.

        `scope` asks for consent to other scopes than that of the first server, separated by spaces: to any of
        one API whose scope a server has. Others are left out.

        The answer comes in the query: it would not reach the session by `form_post`, because the cookie
        is not sent with posts from other sites. The code is of no use to others: PKCE binds it to this flow.

        Raises:
            SignInError: Entra ID cannot be reached, or does not know the tenant.
        """
        app = await self._application(None)
        flow = app.initiate_auth_code_flow(
            self._known(scope) or self.scopes,
            redirect_uri=self._settings.redirect_uri,
            response_mode="query",
            **options,
        )
        return dict(flow)

    def _known(self, asked: str | None) -> list[str]:
        """Return those of the scopes that belong to the API of the first one, if a server is that API."""
        configured = {s.scope for s in self._settings.servers if s.scope}
        apis = {api for scope in configured if (api := scope.rpartition("/")[0])}
        words = (asked or "").split()[:_MOST_SCOPES]
        api = words[0].rpartition("/")[0] if words else ""
        if api not in apis:  # a scope without a prefix is Microsoft Graph's
            return [word for word in words[:1] if word in configured]
        return [word for word in words if word.rpartition("/")[0] == api]

    async def complete(self, flow: dict[str, Any], answer: Mapping[str, str], sid: str) -> SignedIn:
        """Redeem the answer for tokens, verify who it is, and keep the tokens under `sid`.

        Raises:
            SignInError: the person or Entra ID declined, or something does not add up.
        """
        await self._check_issuer(answer)
        try:
            claims = await self._redeem(flow, answer, sid)
        except BaseException:
            await self.forget(sid)
            raise
        await self._caches.keep(sid)
        username = str(claims.get("preferred_username") or claims["oid"])
        hint, roles = claims.get("login_hint"), claims.get("roles")
        return SignedIn(
            object_id=claims["oid"],
            tenant_id=claims["tid"],
            name=str(claims.get("name") or username),
            username=username,
            login_hint=hint if isinstance(hint, str) else None,
            roles=tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else (),
        )

    async def _redeem(self, flow: dict[str, Any], answer: Mapping[str, str], sid: str) -> dict[str, Any]:
        """Return the claims of the ID token that the answer's code is good for."""
        app = await self._application(sid)
        try:
            result = await self._blocking(lambda: app.acquire_token_by_auth_code_flow(flow, dict(answer)))
            if "error" in result:
                raise refused(result)
            nonce = hashlib.sha256(flow["nonce"].encode()).hexdigest()
            return await self._provider.verify_id_token(
                str(result["id_token"]), client_id=self._settings.client_id, nonce=nonce
            )
        except TokenError as error:
            _log.warning("an ID token was refused: %s", error)
            raise SignInError(_("The sign-in could not be verified.")) from error
        except (ValueError, RuntimeError, TypeError, LookupError, AttributeError) as error:
            # MSAL's own checks of the answer and of the ID token
            _log.warning("MSAL refused the answer to a sign-in: %s", type(error).__name__)
            raise SignInError(_("The sign-in could not be verified.")) from error
        except OidcError as error:
            raise of_provider(error) from error

    async def token(
        self, sid: str, scopes: Sequence[str], *, force: bool = False, claims: str | None = None
    ) -> str:
        """Return an access token for scopes of one API, from the cache while it is good.

        With `claims`, the challenge of a server, Entra ID is asked for one that satisfies it.

        Raises:
            SignInRequiredError: the person has to sign in again, with `claims` if Entra ID asks for more.
            ServerUnavailableError: Entra ID cannot be reached.
        """
        try:
            async with self._locks.setdefault(sid, asyncio.Lock()):
                await self._caches.load(sid)
                app = await self._application(sid)
                result = await self._blocking(partial(_silent, app, list(scopes), force=force, claims=claims))
                await self._caches.keep(sid)
        except SignInError as error:
            raise ServerUnavailableError(str(error)) from error
        if result and "access_token" in result:
            return str(result["access_token"])
        if result and result.get("error") == "temporarily_unavailable":
            raise ServerUnavailableError(str(unreachable()))
        claims = result.get("claims") if result else None
        raise SignInRequiredError("Please sign in again.", scope=" ".join(scopes), claims=claims)

    async def sign_out_url(self, back: str, login_hint: str | None) -> str:
        """Return where the person ends the session at Entra ID."""
        if (page := await self._sign_out_page()) is None:
            return back
        query = {"post_logout_redirect_uri": back} | ({"logout_hint": login_hint} if login_hint else {})
        return str(page.update_query(query))

    async def adopt(self, sid: str, newer: str) -> None:
        """Let a session go on with the tokens of a newer sign-in of the same person."""
        await self._caches.move(newer, sid)
        self._apps.pop(sid, None)
        self._apps.pop(newer, None)

    async def forget(self, sid: str) -> None:
        """Drop a session's tokens, here and everywhere."""
        self.let_go(sid)
        await self._caches.drop(sid)

    def let_go(self, sid: str) -> None:
        """Drop what this process has of a session that has ended elsewhere."""
        self._apps.pop(sid, None)
        self._locks.pop(sid, None)
        self._caches.let_go(sid)

    async def sign_out_origin(self) -> str | None:
        """Return the origin of the page that ends the session at Entra ID; None while it is not known."""
        page = await self._sign_out_page()
        return str(page.origin()) if page is not None else None

    async def _sign_out_page(self) -> URL | None:
        try:
            endpoint = (await self._provider.metadata()).end_session_endpoint
        except OidcError:
            return None
        return URL(endpoint) if endpoint else None

    @property
    def _provider(self) -> OidcProvider:
        if self._opened is None:
            raise RuntimeError("use it as `async with EntraClient(...)`")
        return self._opened

    async def _warm(self) -> None:
        try:
            await self._provider.metadata()
        except OidcError as error:
            _log.warning(
                "%s: nobody can sign in until the tenant can be reached; check ENTRA_AUTHORITY, "
                "ENTRA_TENANT_ID and MCPSECURITY_CA_FILE",
                error,
            )

    async def _check_issuer(self, answer: Mapping[str, str]) -> None:
        """Refuse an answer of another authorization server (RFC 9207)."""
        issuer = answer.get("iss")
        if issuer is None:
            return
        try:
            metadata = await self._provider.metadata()
        except OidcError as error:
            raise of_provider(error) from error
        if issuer != metadata.issuer_of(self._settings.tenant_id):
            raise SignInError(_("The sign-in came from another tenant than the one it was sent to."))

    async def _application(self, sid: str | None) -> msal.ConfidentialClientApplication:
        """Return MSAL's application for a session, or a passing one; it reads the tenant's metadata."""
        try:
            return await self._blocking(lambda: self._app(sid))
        except ValueError as error:
            _log.warning("MSAL cannot use the tenant's metadata")
            raise unreachable() from error

    async def _blocking(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except UnknownTenantError as error:
            _log.warning("%s; check ENTRA_TENANT_ID and ENTRA_AUTHORITY", error)
            raise unknown_tenant() from error
        except (requests.RequestException, MsalError) as error:
            _log.warning("Entra ID cannot be reached: %s", type(error).__name__)
            raise unreachable() from error

    def _app(self, sid: str | None) -> msal.ConfidentialClientApplication:
        """Return MSAL's application for a session, with that session's cache. Blocks on first use."""
        if sid is not None and sid in self._apps:
            return self._apps[sid]
        settings = self._settings
        app = msal.ConfidentialClientApplication(
            settings.client_id,
            authority=f"{settings.authority}/{settings.tenant_id}",
            client_credential=self._client_credential(),
            token_cache=self._caches.open(sid) if sid is not None else None,
            instance_discovery=settings.authority in _KNOWN_AUTHORITIES,
            http_client=self._http,
            client_capabilities=["CP1"],  # it can take a claims challenge
        )
        if sid is not None:
            self._apps[sid] = app
        return app

    def _client_credential(self) -> ClientCredential:
        if self._credential is None:
            settings = self._settings
            self._credential = client_credential(
                settings.client_secret, settings.certificate_file, azure_identity(settings)
            )
        return self._credential


class ServerTokens:
    """Access tokens for the MCP server whose scope is `scope`, with more scopes once the server wants them.

    `acting` returns the session whose tokens count.
    """

    def __init__(self, entra: EntraClient, acting: Callable[[], str], scope: str) -> None:
        self._entra = entra
        self._acting = acting
        self._scopes: tuple[str, ...] = (scope,)

    async def get(self, force: bool) -> str:
        """Return a token; with `force` a new one. Raises as `EntraClient.token`."""
        return await self._entra.token(self._acting(), self._scopes, force=force)

    async def step_up(self, challenge: Challenge) -> str | None:
        """Return a token with the scopes and claims of a challenge, if Entra ID gives it silently."""
        wanted = self.wanted(challenge.scope)
        if wanted == self._scopes and challenge.claims is None:
            return None
        try:
            token = await self._entra.token(self._acting(), wanted, claims=challenge.claims)
        except SignInRequiredError:
            return None
        self._scopes = wanted
        return token

    def wanted(self, named: str | None) -> tuple[str, ...]:
        """Return the scopes to consent to: those that are asked for now, and those that the server named."""
        return scopes_with(self._scopes, named)


def _silent(
    app: msal.ConfidentialClientApplication, scopes: list[str], *, force: bool, claims: str | None
) -> dict[str, Any] | None:
    accounts = app.get_accounts()
    if not accounts:
        return None
    result = app.acquire_token_silent_with_error(
        scopes, account=accounts[0], force_refresh=force, claims_challenge=claims
    )
    return dict(result) if result else None
