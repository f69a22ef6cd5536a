"""How the person at the terminal gets in: by Entra ID, or where the MCP server itself has people sign in."""

import hashlib
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped] # ships no types

from mcpsecurity.client import BridgeError, SignInRequiredError
from mcpsecurity.client.oauth import BoundedRequests, ClientId, OAuthSignIn, browser_auth
from mcpsecurity.console.cache import open_grant_store, open_token_cache
from mcpsecurity.console.settings import ConsoleSettings, TenantSettings
from mcpsecurity.console.signin import MICROSOFT, MsalCredential
from mcpsecurity.kernel.demo import DemoCredential
from mcpsecurity.oidc.azure_identity import azure_identity
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.server_headers import check_address

Tell = Callable[[str], None]

_NEEDS_A_TENANT = (
    "The MCP server at {host} has people sign in with Entra ID. Set ENTRA_TENANT_ID, CONSOLE_CLIENT_ID (of "
    "a public client's registration) and MCP_SERVER_SCOPE (such as api://CLIENT-ID/mcp:tools)."
)


@dataclass(frozen=True, slots=True)
class Access:
    """What `McpClient` is given; how the person gets in, once that is known; a remark for the person, if
    any."""

    options: dict[str, Any]
    signed_in: Callable[[], str]
    sign_out: Callable[[], Awaitable[None]]
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, and how its people sign in.

    `cache` keeps its tokens; by default, encrypted ones. `demo_credential` is that of a person of the running
    demo, who needs no sign-in.
    """

    settings: TenantSettings
    device_code: bool = False
    cache: msal.TokenCache | None = None
    demo_credential: DemoCredential | None = None


async def _nothing_to_forget() -> None:
    """Do nothing: nobody is signed in."""


def without_sign_in(how: str = "without a sign-in", options: Mapping[str, Any] | None = None) -> Access:
    """Return the access of a server for which nobody signs in."""
    return Access(dict(options or {}), lambda: how, _nothing_to_forget)


@asynccontextmanager
async def open_access(
    url: str,
    settings: ConsoleSettings,
    tenant: Tenant | None,
    tell: Tell,
    *,
    configured: bool = True,
    client: ClientId | None = None,
    open_page: Callable[[str], bool] = webbrowser.open,
) -> AsyncIterator[Access]:
    """Yield the access to the MCP server at `url`: by the tenant's tokens, or where the server has people
    sign in, if it wants that at all.

    A server that is not `configured` for the tenant, but was named by the person, gets a token of the tenant
    only if it asks for one. One for which there is a `client`, here or in the settings, gets none.

    Raises:
        SignInRequiredError: the server has people sign in with Entra ID, and there is no tenant.
    """
    client = client or settings.client
    named = await _authorization_servers(url, settings) if client is None else None
    if tenant is None and _hosts(named or ()) & _hosts(MICROSOFT):
        raise SignInRequiredError(_NEEDS_A_TENANT.format(host=urlsplit(url).netloc))
    if tenant is None or client is not None or not _is_of(tenant.settings, named, configured=configured):
        yield (
            _elsewhere(url, settings, client, tell, open_page) if _may_get_tokens(url) else without_sign_in()
        )
        return
    remark, cache, demo = None, tenant.cache, tenant.demo_credential
    if cache is None and demo is None:
        cache, remark = open_token_cache(settings.token_cache)
    async with demo or _credential(tenant, tell, cache) as who:
        options = {"credential": who, "scope": tenant.settings.scope}
        yield Access(options, lambda: f"signed in as {who.username}", who.sign_out, remark)


async def _authorization_servers(url: str, settings: ConsoleSettings) -> list[str] | None:
    """Return the authorization servers that a server names; None if it cannot be asked: the chat asks it
    again, and says what is wrong."""
    requests = BoundedRequests(url, client_ssl_context(settings.ca_file))
    try:
        return await OAuthSignIn(url, requests).authorization_servers()
    except BridgeError:
        return None


def _may_get_tokens(url: str) -> bool:
    """Tell whether a token may be sent to an address. A server that wants none needs no https."""
    try:
        check_address(url)
    except ValueError:
        return False
    return True


def _is_of(tenant: TenantSettings, named: list[str] | None, *, configured: bool) -> bool:
    """Tell whether a server that names these authorization servers gets tokens of the tenant."""
    ours = _hosts(issuer for issuer in (tenant.authority, tenant.issuer) if issuer)
    return bool(ours & _hosts(named or ())) or (configured and not named)


def _hosts(urls: Iterable[str]) -> set[str]:
    return {urlsplit(url).netloc for url in urls}


def _elsewhere(
    url: str,
    settings: ConsoleSettings,
    client: ClientId | None,
    tell: Tell,
    open_page: Callable[[str], bool],
) -> Access:
    store, remark = open_grant_store(_grant_file(url, settings))
    document = settings.client_document
    auth = browser_auth(
        url,
        client=client,
        client_document=document if document and document.startswith("https://") else None,
        issuer=settings.oauth_issuer,
        store=store,
        ca_file=settings.ca_file,
        tell=tell,
        open_page=open_page,
    )

    def signed_in() -> str:
        server = auth.authorization_server
        return f"signed in at {server}" if server is not None else "without a sign-in"

    return Access({"credential": auth}, signed_in, auth.sign_out, remark)


def _grant_file(url: str, settings: ConsoleSettings) -> Path:
    """Return where the tokens for this MCP server are kept, beside Entra's."""
    cache, server = settings.token_cache, hashlib.sha256(url.encode()).hexdigest()
    return cache.with_name(f"{cache.stem}-{server[:16]}{cache.suffix}")


def _credential(tenant: Tenant, tell: Tell, cache: msal.TokenCache | None) -> MsalCredential:
    settings = tenant.settings
    identity = azure_identity(settings)
    return MsalCredential(
        settings.client_id,
        settings.authority,
        settings.tenant_id,
        cache=cache,
        tell=tell,
        device_code=tenant.device_code,
        ca_file=settings.ca_file,
        assertion=identity.assertion if identity is not None else None,
    )
