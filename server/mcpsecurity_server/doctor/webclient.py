"""Checks of the web client's registration: the secret, and where people come back to."""

import re
from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped
from mcpsecurity_server.doctor.requests import Answer, UnreachableError, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings

__all__ = ["check_webclient"]

_REDIRECT_PATH = "/signin-oidc"
_SECRET = {
    7000215: "is wrong: use the secret's value, not its id",
    7000222: "has expired",
    7000218: "is missing",
}
_UNKNOWN_CLIENT = 700016
_BAD_REDIRECT = 50011


async def check_webclient(session: aiohttp.ClientSession, settings: DoctorSettings) -> AsyncIterator[Finding]:
    """Look at the registration with the tenant's eyes. Nobody is signed in."""
    if not settings.web_client_id:
        yield skipped("web client", "No web client is configured here.", "WEBCLIENT_CLIENT_ID")
        return
    if not settings.tenant_id:
        yield skipped("web client", "Cannot be checked without a tenant.", "ENTRA_TENANT_ID")
        return
    try:
        yield await _credential(session, settings)
        yield await _redirect(session, settings)
    except UnreachableError as error:
        yield failed("web client", f"The tenant does not answer: {error}.", "ENTRA_AUTHORITY")


async def _credential(session: aiohttp.ClientSession, settings: DoctorSettings) -> Finding:
    """Ask for a token of the client itself; whatever Entra says about it, the secret is judged before."""
    if settings.web_client_secret is None:
        return skipped("client secret", "No secret is configured; a certificate is not checked.")
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.web_client_id,
        "client_secret": settings.web_client_secret.get_secret_value(),
        "scope": f"{settings.web_client_id}/.default",
    }
    answer = await fetch(session, "POST", _endpoint(settings, "token"), form=form)
    for code in _codes(answer):
        if code in _SECRET:
            message = f"The web client's secret {_SECRET[code]} (AADSTS{code})."
            return failed("client secret", message, "WEBCLIENT_CLIENT_SECRET")
        if code == _UNKNOWN_CLIENT:
            message = f"The tenant has no application {settings.web_client_id} (AADSTS{code})."
            return failed("client secret", message, "WEBCLIENT_CLIENT_ID")
    if answer.status >= 500:
        return skipped("client secret", f"The tenant answers {answer.status}.")
    return ok("client secret", "The tenant accepts the web client's secret.")


async def _redirect(session: aiohttp.ClientSession, settings: DoctorSettings) -> Finding:
    """Begin a silent sign-in: Entra looks at the redirect URI first, and only then at who is signed in."""
    redirect = settings.webclient_url.rstrip("/") + _REDIRECT_PATH
    query = {
        "client_id": settings.web_client_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": redirect,
        "scope": "openid",
        "prompt": "none",
        "state": "doctor",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    answer = await fetch(session, "GET", str(URL(_endpoint(settings, "authorize")).with_query(query)))
    if answer.headers.get("location", "").startswith(redirect):
        return ok("redirect", f"People can come back to {redirect}.")
    codes = _codes(answer)
    if _BAD_REDIRECT in codes:
        message = (
            f"{redirect} is not a redirect URI of the registration (AADSTS50011): add it there, or correct"
        )
        return failed("redirect", f"{message} the web client's URL.", "WEBCLIENT_URL")
    if _UNKNOWN_CLIENT in codes:
        message = f"The tenant has no application {settings.web_client_id} (AADSTS{_UNKNOWN_CLIENT})."
        return failed("redirect", message, "WEBCLIENT_CLIENT_ID")
    return skipped("redirect", "The tenant does not tell without a person; try to sign in.")


def _endpoint(settings: DoctorSettings, name: str) -> str:
    return f"{settings.authority}/{settings.tenant_id}/oauth2/v2.0/{name}"


def _codes(answer: Answer) -> list[int]:
    """Return the AADSTS codes of an error, in JSON or on a page."""
    return [int(code) for code in re.findall(r"AADSTS(\d{4,8})", answer.text)]
