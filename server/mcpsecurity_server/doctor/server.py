"""Checks of a running MCP server: its metadata, its challenge, and whether clients can get a token for it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from yarl import URL

from mcpsecurity.oidc.discovery import issuer_of
from mcpsecurity_server.auth.metadata import WELL_KNOWN, metadata_url
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped, warning
from mcpsecurity_server.doctor.requests import Answer, UnreachableError, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings
from mcpsecurity_server.settings import LOOPBACK_HOSTS

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "mcpsecurity doctor", "version": "1"},
    },
}


_BAD_TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImRvY3RvciIsInR5cCI6IkpXVCJ9.e30.AA"  # noqa: S105 - unsigned, on purpose


async def check_server(session: aiohttp.ClientSession, settings: DoctorSettings) -> AsyncIterator[Finding]:
    """Check the server by the requests that a client sends."""
    url = settings.mcp_url
    try:
        where = metadata_url(url)
    except ValueError:
        yield failed("server", f"{url!r} is not the URL of an MCP endpoint.", "MCP_SERVER_URL")
        return
    try:
        described = await fetch(session, "GET", where)
    except UnreachableError as error:
        setting = "MCPSECURITY_CA_FILE" if error.is_trust else "MCP_SERVER_URL"
        yield failed("server", f"The MCP server does not answer: {error}. Is it running?", setting)
        return
    if described.status == 308 and described.headers.get("location") == where:
        message = "The server redirects to its own address: it does not trust the proxy in front of it."
        yield failed("server", message, "MCP_SERVER_TRUSTED_PROXIES")
        return
    if described.status != 200 or described.json is None:
        yield await _missing_metadata(session, url, where, described.status)
        return
    yield ok("server", f"The server describes itself at {where}.")
    document = described.json
    yield _resource(url, document)
    yield _issuer(settings, document)
    yield _challenge(where, await _initialize(session, url, None))
    yield _unsigned_token(await _initialize(session, url, _BAD_TOKEN))
    yield _scope(settings, document)
    yield _entra_rule(url, document)
    yield _transport_security(url)


async def _missing_metadata(session: aiohttp.ClientSession, url: str, where: str, status: int) -> Finding:
    """Tell a wrong path from a server without authentication, and from another product."""
    asked = await _initialize(session, url, None)
    if asked is not None and asked.status == 200:
        return failed("server", "The server accepts requests without a token.", "MCP_SERVER_NO_AUTH")
    root = str(URL(url).origin().with_path(WELL_KNOWN))
    described = await fetch(session, "GET", root)
    resource = described.json.get("resource") if described.status == 200 and described.json else None
    if isinstance(resource, str):
        message = f"There is no MCP endpoint at {url}: the server there is {resource}."
        return failed("server", message, f"MCP_SERVER_URL={resource}")
    message = f"{where} answers {status}: there is no server of this product."
    return failed("server", message, "MCP_SERVER_URL")


async def initialize(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> Answer:
    """Send the request that begins a session, with further headers. Raises `UnreachableError`."""
    accept = {"Accept": "application/json, text/event-stream"}
    return await fetch(session, "POST", url, headers=accept | headers, json=_INITIALIZE)


async def _initialize(session: aiohttp.ClientSession, url: str, token: str | None) -> Answer | None:
    try:
        return await initialize(session, url, {"Authorization": f"Bearer {token}"} if token else {})
    except UnreachableError:
        return None


def _resource(url: str, document: dict[str, Any]) -> Finding:
    resource = document.get("resource")
    if resource == url:
        return ok("resource", f"The resource is {url}.")
    message = (
        f"The server names itself {resource}, but clients call {url}: clients that check this refuse it."
    )
    return failed("resource", message, "MCP_SERVER_URL")


def _issuer(settings: DoctorSettings, document: dict[str, Any]) -> Finding:
    if not settings.tenant_id:
        return skipped("sign-in", "Cannot be checked without a tenant.", "ENTRA_TENANT_ID")
    expected = settings.issuer or issuer_of(settings.authority, settings.tenant_id)
    servers = document.get("authorization_servers")
    if isinstance(servers, list) and expected in servers:
        return ok("sign-in", f"Clients are sent to {expected}.")
    named = " and ".join(map(str, servers)) if isinstance(servers, list) else servers
    message = f"The server sends clients to {named}, but the tenant here is {expected}."
    return failed("sign-in", message, "ENTRA_AUTHORITY, ENTRA_TENANT_ID")


def _challenge(where: str, answer: Answer | None) -> Finding:
    if answer is None:
        return failed("challenge", "The MCP endpoint does not answer.", "MCP_SERVER_URL")
    if answer.status == 200:
        return failed("challenge", "The server accepts requests without a token.", "MCP_SERVER_NO_AUTH")
    if answer.status == 421:
        message = "The server does not serve this host name."
        return failed("challenge", message, "MCP_SERVER_ALLOWED_HOSTS")
    told = re.search(r'resource_metadata="([^"]*)"', answer.headers.get("www-authenticate", ""))
    if answer.status != 401 or told is None:
        message = f"Without a token the server answers {answer.status}, without naming its resource metadata."
        return failed("challenge", message, "MCP_SERVER_URL")
    if told.group(1) != where:
        message = f"The challenge points to {told.group(1)}, not to {where}."
        return failed("challenge", message, "MCP_SERVER_URL")
    return ok("challenge", "Without a token the server answers 401 and says where to sign in.")


def _unsigned_token(answer: Answer | None) -> Finding:
    """An unsigned token has to be refused with 401; 503 means that the server lacks the tenant's keys."""
    if answer is not None and answer.status == 503:
        message = "The server cannot reach its tenant, and refuses everybody: see its log."
        return failed("judgement", message, "ENTRA_AUTHORITY, MCPSECURITY_CA_FILE of the server")
    if answer is None or answer.status != 401:
        message = f"An unsigned token is answered {answer.status if answer else 'not at all'}."
        return failed("judgement", message, "MCP_SERVER_URL")
    return ok("judgement", "The server has the tenant's keys, and refuses an unsigned token.")


def _scope(settings: DoctorSettings, document: dict[str, Any]) -> Finding:
    supported = document.get("scopes_supported") or []
    suggestion = f"MCP_SERVER_SCOPE={supported[0]}" if supported else "MCP_SERVER_SCOPE"
    if not settings.scope:
        return warning("scope", "The web client has no scope to ask for.", suggestion)
    if "/" not in settings.scope:
        message = (
            f"The scope {settings.scope} has no prefix: Entra takes it for Microsoft Graph's (AADSTS650053),"
            " and the server refuses the token."
        )
        return failed("scope", message, suggestion)
    if settings.scope in supported:
        return ok("scope", f"The web client asks for {settings.scope}, which the server wants.")
    if settings.scope.rpartition("/")[2] in {str(scope).rpartition("/")[2] for scope in supported}:
        if settings.scope.rpartition("/")[0] == f"api://{settings.api_client_id}":
            return ok("scope", f"The web client asks for {settings.scope}, another name of {supported[0]}.")
        message = (
            f"{settings.scope} and {supported[0]} are two names of one permission, if both are registered."
        )
        return warning("scope", message, "MCP_SERVER_APP_ID_URI or MCP_SERVER_SCOPE")
    message = f"The web client asks for {settings.scope}, the server wants {' or '.join(supported)}."
    return failed("scope", message, "MCP_SERVER_SCOPE")


def _entra_rule(url: str, document: dict[str, Any]) -> Finding:
    """Entra's rule: `resource` must be an Application ID URI of the registration that owns the scopes."""
    scopes = [str(scope) for scope in document.get("scopes_supported") or []]
    if scopes and all(scope.startswith(f"{url}/") for scope in scopes):
        return ok("entra", "Resource and scopes belong together: any MCP client can get a token.")
    message = (
        f"Clients that follow the MCP specification ask for the resource {url} with scopes of another "
        "Application ID URI; Entra answers AADSTS9010010 unless both belong to one registration. Add the URL "
        "to its Application ID URIs and let the server name it. The web client is not affected."
    )
    return warning("entra", message, f"MCP_SERVER_APP_ID_URI={url}")


def _transport_security(url: str) -> Finding:
    parts = URL(url)
    if parts.scheme == "https" or parts.host in LOOPBACK_HOSTS:
        return ok("encryption", "Tokens do not leave the machine unencrypted.")
    return failed("encryption", "Tokens travel unencrypted: the URL is http.", "MCP_SERVER_URL")
