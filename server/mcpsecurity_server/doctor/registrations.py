"""Checks of the app registrations: their credentials and redirect URIs."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
from yarl import URL

from mcpsecurity.oidc import Clock
from mcpsecurity_server.doctor.credentials import Application, check_credential, codes_of, endpoint_of
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped, warning
from mcpsecurity_server.doctor.requests import Answer, UnreachableError, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings
from mcpsecurity_server.settings import LOOPBACK_HOSTS

_REDIRECT_PATH = "/signin-oidc"
_UNKNOWN_CLIENT = 700016
_NOWHERE = "https://doctor.invalid/nowhere"
_BAD_REDIRECT = 50011


async def check_registrations(
    session: aiohttp.ClientSession, settings: DoctorSettings, clock: Clock, *, tenant_answers: bool = True
) -> AsyncIterator[Finding]:
    """Check the registrations by requests to the tenant, without signing in."""
    for finding in (*_not_here(settings), *_impossible(settings)):
        yield finding
    if not settings.tenant_id:
        yield skipped("web client", "Cannot be checked without a tenant.", "ENTRA_TENANT_ID")
        return
    if not tenant_answers:
        yield skipped("registrations", "Cannot be checked: the tenant does not answer.")
        return
    try:
        for application in _applications(settings):
            async for finding in check_credential(session, settings, application, clock):
                yield finding
        if (
            settings.api_client_id
            and settings.api_client_secret is None
            and settings.api_certificate_file is None
        ):
            yield await _api(session, settings)
        if settings.web_client_id:
            yield await _redirect(session, settings)
    except UnreachableError as error:
        yield failed("web client", f"The tenant does not answer: {error}.", "ENTRA_AUTHORITY")


def _not_here(settings: DoctorSettings) -> Iterator[Finding]:
    """Report what cannot be checked because it is not among the settings here."""
    if not settings.web_client_id:
        yield skipped("web client", "No web client is configured here.", "WEBCLIENT_CLIENT_ID")
    elif settings.client_identity is not None:
        message = "The services authenticate by the identity of their machine; it can only be checked there."
        yield skipped("client secret", message)
    elif settings.web_client_secret is None and settings.web_certificate_file is None:
        message = "The web client has neither a secret nor a certificate here."
        yield skipped("client secret", message, "WEBCLIENT_CLIENT_SECRET or WEBCLIENT_CERTIFICATE_FILE")


def _impossible(settings: DoctorSettings) -> Iterator[Finding]:
    """Report settings that Entra ID would refuse, or that look like a mistake."""
    if not settings.web_client_id:
        return
    if _is_open_http(settings.webclient_url):
        message = "Entra ID sends people back by https only, or by http to localhost: the URL is http."
        yield failed("web client", message, "WEBCLIENT_URL")
    if settings.web_client_id.lower() == settings.api_client_id.lower():
        message = "The web client has the client ID of the MCP server: each has a registration of its own."
        yield warning("web client", message, "WEBCLIENT_CLIENT_ID or MCP_SERVER_CLIENT_ID")


def _is_open_http(url: str) -> bool:
    try:
        parts = URL(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.host not in LOOPBACK_HOSTS


def _applications(settings: DoctorSettings) -> Iterator[Application]:
    if settings.web_client_id:
        yield Application(
            check="client",
            name="web client",
            prefix="WEBCLIENT",
            certificate_key="WEBCLIENT_CERTIFICATE_FILE",
            client_id=settings.web_client_id,
            secret=settings.web_client_secret,
            certificate_file=settings.web_certificate_file,
        )
    if settings.api_client_id:
        yield Application(
            check="server",
            name="MCP server",
            prefix="MCP_SERVER",
            certificate_key="MCP_SERVER_CLIENT_CERTIFICATE_FILE",
            client_id=settings.api_client_id,
            secret=settings.api_client_secret,
            certificate_file=settings.api_certificate_file,
        )


async def _api(session: aiohttp.ClientSession, settings: DoctorSettings) -> Finding:
    """Request a sign-in with an unregistered redirect URI: Entra refuses an unknown application first."""
    answer = await _sign_in(session, settings, settings.api_client_id, _NOWHERE)
    if _UNKNOWN_CLIENT in codes_of(answer):
        message = f"The tenant has no application {settings.api_client_id} (AADSTS{_UNKNOWN_CLIENT})."
        return failed("server registration", message, "MCP_SERVER_CLIENT_ID")
    return ok("server registration", f"The tenant has the application {settings.api_client_id}.")


async def _sign_in(
    session: aiohttp.ClientSession, settings: DoctorSettings, client_id: str, redirect: str
) -> Answer:
    """Begin a silent sign-in: Entra checks application and redirect URI before the sign-in session."""
    query = {
        "client_id": client_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": redirect,
        "scope": "openid",
        "prompt": "none",
        "state": "doctor",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return await fetch(session, "GET", str(URL(endpoint_of(settings, "authorize")).with_query(query)))


async def _redirect(session: aiohttp.ClientSession, settings: DoctorSettings) -> Finding:
    redirect = settings.webclient_url.rstrip("/") + _REDIRECT_PATH
    answer = await _sign_in(session, settings, settings.web_client_id, redirect)
    if answer.headers.get("location", "").startswith(redirect):
        return ok("redirect", f"People can come back to {redirect}.")
    codes = codes_of(answer)
    if _BAD_REDIRECT in codes:
        message = (
            f"{redirect} is not a redirect URI of the registration (AADSTS50011): add it there, or correct"
        )
        return failed("redirect", f"{message} the web client's URL.", "WEBCLIENT_URL")
    if _UNKNOWN_CLIENT in codes:
        message = f"The tenant has no application {settings.web_client_id} (AADSTS{_UNKNOWN_CLIENT})."
        return failed("redirect", message, "WEBCLIENT_CLIENT_ID")
    return skipped("redirect", "Entra does not say this without a person; try to sign in.")
