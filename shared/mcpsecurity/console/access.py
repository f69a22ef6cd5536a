"""How the person at the terminal gets in: by Entra ID, or where the MCP server itself has people sign in."""

import hashlib
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal  # type: ignore[import-untyped] # ships no types

from mcpsecurity.client import BridgeError
from mcpsecurity.client.oauth import BoundedRequests, ClientId, OAuthSignIn, browser_auth
from mcpsecurity.console.cache import open_grant_store, open_token_cache
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.console.signin import MsalCredential
from mcpsecurity.kernel.demo import DemoCredential
from mcpsecurity.oidc.azure_identity import azure_identity
from mcpsecurity.runtime.tls import client_ssl_context

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Access:
    """What `McpClient` is given; who is signed in, once that is known; a remark for the person, if any."""

    options: dict[str, Any]
    signed_in: Callable[[], str]
    sign_out: Callable[[], Awaitable[None]]
    remark: str | None = None


@asynccontextmanager
async def open_access(
    settings: ConsoleSettings,
    tell: Tell,
    *,
    device_code: bool = False,
    cache: msal.TokenCache | None = None,
    demo_credential: DemoCredential | None = None,
    open_page: Callable[[str], bool] = webbrowser.open,
) -> AsyncIterator[Access]:
    """Yield the access: at the authorization server that the MCP server names, if that is not the tenant.

    `cache` keeps Entra's tokens; by default, encrypted ones.
    """
    if await _signs_in_elsewhere(settings):
        yield _elsewhere(settings, tell, open_page)
        return
    remark = None
    if cache is None and demo_credential is None:
        cache, remark = open_token_cache(settings.token_cache)
    async with demo_credential or _credential(settings, tell, cache, device_code) as who:
        options = {"credential": who, "scope": settings.scope}
        yield Access(options, lambda: f"as {who.username}", who.sign_out, remark)


async def _signs_in_elsewhere(settings: ConsoleSettings) -> bool:
    """Tell whether the MCP server names authorization servers, all outside the tenant's cloud.

    A server that cannot be asked is asked again by the chat, which says what is wrong.
    """
    if settings.oauth_client_id is not None:
        return True
    requests = BoundedRequests(settings.mcp_url, client_ssl_context(settings.ca_file))
    try:
        named = await OAuthSignIn(settings.mcp_url, requests).authorization_servers()
    except BridgeError:
        return False
    ours = {urlsplit(url).netloc for url in (settings.authority, settings.issuer) if url}
    return bool(named) and not any(urlsplit(server).netloc in ours for server in named)


def _elsewhere(settings: ConsoleSettings, tell: Tell, open_page: Callable[[str], bool]) -> Access:
    store, remark = open_grant_store(_grant_file(settings))
    client = None
    if settings.oauth_client_id is not None:
        secret = settings.oauth_client_secret
        client = ClientId(settings.oauth_client_id, secret.get_secret_value() if secret is not None else None)
    auth = browser_auth(
        settings.mcp_url,
        client=client,
        client_document=settings.client_id if settings.client_id.startswith("https://") else None,
        store=store,
        ca_file=settings.ca_file,
        tell=tell,
        open_page=open_page,
    )
    return Access({"credential": auth}, lambda: f"at {auth.authorization_server}", auth.sign_out, remark)


def _grant_file(settings: ConsoleSettings) -> Path:
    """Return where the tokens for this MCP server are kept, beside Entra's."""
    cache, server = settings.token_cache, hashlib.sha256(settings.mcp_url.encode()).hexdigest()
    return cache.with_name(f"{cache.stem}-{server[:16]}{cache.suffix}")


def _credential(
    settings: ConsoleSettings, tell: Tell, cache: msal.TokenCache | None, device_code: bool
) -> MsalCredential:
    identity = azure_identity(settings)
    return MsalCredential(
        settings.client_id,
        settings.authority,
        settings.tenant_id,
        cache=cache,
        tell=tell,
        device_code=device_code,
        ca_file=settings.ca_file,
        assertion=identity.assertion if identity is not None else None,
    )
