"""Assertions: JWTs that prove that a client holds a certificate's key (RFC 7523, `private_key_jwt`)."""

import base64
import binascii
from collections.abc import Collection
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.directory import Client
from mcpsecurity.localcloud.entra.errors import EntraError

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
