"""Checks of the secrets and certificates with which the applications authenticate to the tenant."""

import asyncio
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from mcpsecurity.oidc import Clock
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped, warning
from mcpsecurity_server.doctor.requests import Answer, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SOON = timedelta(days=30)
_UNKNOWN_CLIENT = 700016
_SECRET = {
    7000215: "is wrong: use the secret's value, not its id",
    7000222: "has expired",
    7000218: "is missing",
}
_CERTIFICATE = {
    700027: "is not one of the registration's: upload it there, under Certificates & secrets",
    700024: "signs for another time: compare the clocks",
}


@dataclass(frozen=True, slots=True)
class Application:
    """An app registration with its credential; the certificate counts if there are both.

    `prefix` begins the names of its settings; `certificate_key` is the whole name of that one.
    """

    check: str
    name: str
    prefix: str
    certificate_key: str
    client_id: str
    secret: SecretStr | None
    certificate_file: Path | None


async def check_credential(
    session: aiohttp.ClientSession, settings: DoctorSettings, application: Application, clock: Clock
) -> AsyncIterator[Finding]:
    """Request a token of the application itself: Entra checks the credential before anything else."""
    if application.certificate_file is not None:
        async for finding in _certificate(session, settings, application, clock):
            yield finding
    elif application.secret is not None:
        yield await _secret(session, settings, application, application.secret)


async def _secret(
    session: aiohttp.ClientSession, settings: DoctorSettings, application: Application, secret: SecretStr
) -> Finding:
    check, key = f"{application.check} secret", f"{application.prefix}_CLIENT_SECRET"
    answer = await _ask(session, settings, application, client_secret=secret.get_secret_value())
    return _judge(answer, application, check, key, _SECRET, f"{application.name}'s secret")


async def _certificate(
    session: aiohttp.ClientSession, settings: DoctorSettings, application: Application, clock: Clock
) -> AsyncIterator[Finding]:
    check, key = f"{application.check} certificate", application.certificate_key
    file = application.certificate_file or Path()
    try:
        private_key, certificate = await asyncio.to_thread(_read, file)
    except (OSError, ValueError, TypeError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) else "it needs an RSA key and its certificate, PEM"
        )
        yield failed(check, f"{file} cannot be used: {reason}.", key)
        return
    now = datetime.fromtimestamp(clock(), UTC)
    if certificate.not_valid_after_utc <= now:
        yield failed(check, f"The {application.name}'s certificate has expired.", key)
        return
    if certificate.not_valid_after_utc <= now + _SOON:
        yield warning(check, f"It expires on {certificate.not_valid_after_utc:%Y-%m-%d}.", key)
    audience = endpoint_of(settings, "token")
    assertion = _assertion(private_key, certificate, application.client_id, audience, now)
    answer = await _ask(
        session, settings, application, client_assertion=assertion, client_assertion_type=_ASSERTION
    )
    yield _judge(answer, application, check, key, _CERTIFICATE, f"{application.name}'s certificate")


def _judge(
    answer: Answer, application: Application, check: str, key: str, faults: dict[int, str], what: str
) -> Finding:
    for code in codes_of(answer):
        if code in faults:
            return failed(check, f"The {what} {faults[code]} (AADSTS{code}).", key)
        if code == _UNKNOWN_CLIENT:
            message = f"The tenant has no application {application.client_id} (AADSTS{code})."
            return failed(check, message, f"{application.prefix}_CLIENT_ID")
    if answer.status >= 500:
        return skipped(check, f"The tenant answers {answer.status}.")
    return ok(check, f"The tenant accepts the {what}.")


async def _ask(
    session: aiohttp.ClientSession, settings: DoctorSettings, application: Application, **credential: str
) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_id": application.client_id,
        "scope": f"{application.client_id}/.default",
        **credential,
    }
    return await fetch(session, "POST", endpoint_of(settings, "token"), form=form)


def _read(file: Path) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    content = file.read_bytes()
    key = serialization.load_pem_private_key(content, password=None)
    certificate = x509.load_pem_x509_certificate(content)
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("no pair")
    return key, certificate


def _assertion(
    key: rsa.RSAPrivateKey, certificate: x509.Certificate, client_id: str, audience: str, now: datetime
) -> str:
    """Return a client assertion for Entra (RFC 7523): PS256, the certificate named by its SHA-256."""
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": secrets.token_urlsafe(16),
        "nbf": now,
        "exp": now + timedelta(minutes=5),
    }
    thumbprint = urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    return jwt.encode(claims, key, "PS256", headers={"x5t#S256": thumbprint})


def endpoint_of(settings: DoctorSettings, name: str) -> str:
    """Return one of the tenant's OAuth endpoints."""
    return f"{settings.authority}/{settings.tenant_id}/oauth2/v2.0/{name}"


def codes_of(answer: Answer) -> list[int]:
    """Return the AADSTS codes of an error, in JSON or on a page."""
    return [int(code) for code in re.findall(r"AADSTS(\d{4,8})", answer.text)]
