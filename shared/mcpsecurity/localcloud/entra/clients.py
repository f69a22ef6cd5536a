"""Client authentication at the token endpoint by secret or assertion (RFC 6749 2.3, 7523; OIDC Core 9)."""

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from mcpsecurity.localcloud.entra.directory import Client, ClientKind
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.ids import TOKEN_EXCHANGE
from mcpsecurity.localcloud.entra.parameters import find_client
from mcpsecurity.localcloud.entra.sessions import TENANT_NAMES
from mcpsecurity.localcloud.entra.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Authenticated:
    """An authenticated client; `azpacr` says by what: "0" its id alone, "1" a secret, "2" a certificate."""

    client: Client
    azpacr: str


def authenticate_client(
    tenant: Tenant, authorization: str | None, values: Mapping[str, str]
) -> Authenticated:
    """Return the client of a token request, once it has proved who it is.

    Raises:
        EntraError: it is unknown (AADSTS700016), has no or the wrong secret (7000218, 7000215), presents one
            although it is public (700025), or its assertion is refused (see `check_client_assertion`).
    """
    basic_id, basic_secret = _basic(authorization)
    secret, assertion = values.get("client_secret") or basic_secret, values.get("client_assertion")
    client_id = values.get("client_id") or basic_id
    if client_id is None and assertion is not None:
        client_id = claimed_client(assertion)
    client = find_client(tenant.directory, client_id)
    if client.kind is ClientKind.PUBLIC:
        if secret is not None or assertion is not None:
            raise EntraError(Sts.PUBLIC_CLIENT)
        return Authenticated(client, "0")
    if assertion is not None:
        if values.get("client_assertion_type") != ASSERTION_TYPE:
            raise EntraError(Sts.MISSING_PARAMETER, parameter="client_assertion_type")
        if not _is_federated(tenant, client, assertion):
            check_client_assertion(assertion, client, _audiences(tenant), tenant.now())
        return Authenticated(client, "2")
    _check_secret(client, secret)
    return Authenticated(client, "1")


def _is_federated(tenant: Tenant, client: Client, assertion: str) -> bool:
    """Return whether the assertion is a good token of an identity that a federated credential names."""
    if not client.federated:
        return False
    claims = tenant.tokens.read(assertion)
    if claims is None or claims.get("sub") not in client.federated:
        return False
    if claims["aud"] != TOKEN_EXCHANGE:
        raise EntraError(Sts.ASSERTION_AUDIENCE, audience=str(claims["aud"]))
    if not claims["nbf"] <= tenant.now() < claims["exp"]:
        raise EntraError(Sts.ASSERTION_TIME)
    return True


def _check_secret(client: Client, secret: str | None) -> None:
    if secret is None:
        raise EntraError(Sts.SECRET_MISSING)
    if not any(hmac.compare_digest(secret.encode(), known.encode()) for known in client.secrets):
        raise EntraError(Sts.SECRET_WRONG, client=client.client_id)


def _audiences(tenant: Tenant) -> frozenset[str]:
    """Return the audiences that an assertion may have: the token endpoint by any name, or the issuer."""
    endpoints = {f"{tenant.urls.https}/{name}/oauth2/v2.0/token" for name in TENANT_NAMES}
    return frozenset({tenant.issuer, *endpoints})


def _basic(authorization: str | None) -> tuple[str | None, str | None]:
    """Return id and secret of an `Authorization: Basic` header, both form-encoded (RFC 6749 2.3.1)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise EntraError(Sts.MALFORMED, detail="The Authorization header cannot be read.") from None
    client_id, _, secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(secret) or None


ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEEWAY = 300.0


def claimed_client(assertion: str) -> str | None:
    """Return the client id that an assertion claims; nothing is verified."""
    try:
        subject = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except jwt.InvalidTokenError:
        return None
    return subject if isinstance(subject, str) else None


def check_client_assertion(assertion: str, client: Client, audiences: Collection[str], now: float) -> None:
    """Verify that `assertion` was signed, for one of `audiences` and just now, by a certificate of `client`.

    Raises:
        EntraError: signature wrong, certificate unknown or expired (AADSTS700027), another client's (700021),
            another audience (700023), not valid now (700024).
    """
    claims = _verified(assertion, client, now)
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise EntraError(Sts.ASSERTION_CLIENT, client=client.client_id)
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience not in audiences:
        raise EntraError(Sts.ASSERTION_AUDIENCE, audience=str(audience))
    expires, starts = claims.get("exp"), claims.get("nbf", now)
    if not isinstance(expires, int | float) or not isinstance(starts, int | float):
        raise EntraError(Sts.ASSERTION_TIME)
    if expires + _LEEWAY <= now or starts - _LEEWAY > now:
        raise EntraError(Sts.ASSERTION_TIME)


def _verified(assertion: str, client: Client, now: float) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(assertion)
        for pem in client.certificates:
            certificate = x509.load_pem_x509_certificate(pem)
            key = certificate.public_key()
            if isinstance(key, rsa.RSAPublicKey) and _is_named(certificate, header):
                if certificate.not_valid_after_utc.timestamp() <= now:
                    raise EntraError(Sts.ASSERTION_SIGNATURE, reason="The certificate has expired.")
                options: Any = {
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                }
                claims: dict[str, Any] = jwt.decode(
                    assertion, key, algorithms=["RS256", "PS256"], options=options
                )
                return claims
    except (jwt.InvalidTokenError, binascii.Error) as error:
        raise EntraError(Sts.ASSERTION_SIGNATURE, reason=str(error)) from error
    raise EntraError(Sts.ASSERTION_SIGNATURE, reason="The key was not found.")


def _is_named(certificate: x509.Certificate, header: dict[str, Any]) -> bool:
    """Return whether the header's thumbprint (RFC 7515 4.1.7 and 4.1.8) is that of `certificate`."""
    if "x5t#S256" in header:
        return _same(header["x5t#S256"], certificate.fingerprint(hashes.SHA256()))
    sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - RFC 7515 names the key by it, MSAL sends it
    return _same(header.get("x5t"), sha1)


def _same(thumbprint: object, fingerprint: bytes) -> bool:
    """Compare without the padding, which MSAL sends although RFC 7515 has none."""
    expected = base64.urlsafe_b64encode(fingerprint).decode()
    return isinstance(thumbprint, str) and thumbprint.rstrip("=") == expected.rstrip("=")
