"""Checks of the tenant: reachable, the one that is configured, publishing keys, and agreeing on the time."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import aiohttp

from mcpsecurity.oidc import Clock, parse_keys
from mcpsecurity.oidc.discovery import issuer_of, metadata_url
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped, warning
from mcpsecurity_server.doctor.requests import Answer, UnreachableError, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings

_SKEW_WARNING = 30.0
_SKEW_FAILURE = 60.0


async def check_tenant(
    session: aiohttp.ClientSession, settings: DoctorSettings, clock: Clock
) -> AsyncIterator[Finding]:
    """Look at the authority, discovery, keys and, by `clock`, at the time."""
    if not settings.tenant_id:
        message = "No tenant is configured. The demo is looked at by `mcpsecurity doctor --local`."
        yield failed("tenant", message, "ENTRA_TENANT_ID")
        return
    if settings.authority.endswith("/"):
        message = "The authority ends with a slash, which the services refuse."
        yield failed("authority", message, f"ENTRA_AUTHORITY={settings.authority.rstrip('/')}")
        return
    url = metadata_url(settings.authority, settings.tenant_id)
    try:
        answer = await fetch(session, "GET", url)
    except UnreachableError as error:
        setting = "MCPSECURITY_CA_FILE" if error.is_trust else "ENTRA_AUTHORITY"
        yield failed("authority", f"The authority does not answer: {error}.", setting)
        return
    yield ok("authority", f"{settings.authority} answers.")
    yield _time(answer, clock())
    discovery = _discovery(settings, answer)
    yield discovery
    if answer.json is not None and discovery.status == "ok":
        yield await _keys(session, answer.json)
        yield _client_documents(answer.json)


def _discovery(settings: DoctorSettings, answer: Answer) -> Finding:
    if answer.status in (400, 404):
        return failed("discovery", f"There is no tenant {settings.tenant_id} there.", "ENTRA_TENANT_ID")
    if answer.status != 200 or answer.json is None:
        return failed("discovery", f"Discovery answers {answer.status}, not a document.", "ENTRA_AUTHORITY")
    expected = settings.issuer or issuer_of(settings.authority, settings.tenant_id)
    issuer = answer.json.get("issuer")
    if issuer != expected:
        message = f"Discovery names the issuer {issuer}, not {expected}: its tokens would be refused."
        return failed("discovery", message, "ENTRA_AUTHORITY, ENTRA_TENANT_ID")
    return ok("discovery", f"The issuer is {issuer}.")


def _client_documents(discovery: dict[str, object]) -> Finding:
    """Report whether MCP clients can use client ID metadata documents instead of registrations."""
    check = "client documents"
    if discovery.get("client_id_metadata_document_supported") is True:
        message = (
            "The tenant supports client ID metadata documents: an MCP client's ID can be the address of its "
            "document. Its tokens are those of an agent that acts for the person."
        )
        return ok(check, message)
    message = (
        "The tenant does not advertise client ID metadata documents: every MCP client needs a "
        "registration and its client ID."
    )
    return skipped(check, message)


def _time(answer: Answer, ours: float) -> Finding:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return skipped("clock", "The authority's answers have no Date header.")
    skew = abs(ours - theirs)
    if skew > _SKEW_FAILURE:
        message = f"This machine's clock differs from the tenant's by {skew:.0f} s: good tokens are refused."
        return failed("clock", message, "the clock of this machine")
    if skew > _SKEW_WARNING:
        message = f"This machine's clock differs from the tenant's by {skew:.0f} s."
        return warning("clock", message, "the clock of this machine")
    return ok("clock", "This machine and the tenant agree on the time.")


async def _keys(session: aiohttp.ClientSession, discovery: dict[str, object]) -> Finding:
    uri = str(discovery.get("jwks_uri"))
    try:
        answer = await fetch(session, "GET", uri)
    except UnreachableError as error:
        return failed("keys", f"The signing keys cannot be read: {error}.", "ENTRA_AUTHORITY")
    if answer.status != 200 or answer.json is None:
        message = f"The signing keys cannot be read: {uri} answers {answer.status}, not a document."
        return failed("keys", message, "ENTRA_AUTHORITY")
    keys = parse_keys(answer.json, {})
    if not keys:
        return failed("keys", f"{uri} publishes no usable signing key.", "ENTRA_AUTHORITY")
    return ok("keys", f"Signing keys published: {len(keys)}.")
