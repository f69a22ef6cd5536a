"""A compact JWS (RFC 7515) of the one kind we accept: three parts, RS256, a key named by `kid`, no
extensions.

The header decides nothing but which of the provider's keys to try: keys or addresses of keys inside a token
are refused, never used and never fetched (RFC 8725, section 3).
"""

import binascii
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import jwt
import orjson

from mcpsecurity.oidc.errors import Reason, TokenError
from mcpsecurity.oidc.keys import ALGORITHMS, MAX_KID_LENGTH, SigningKey

__all__ = ["MAX_TOKEN_LENGTH", "SignedToken", "TokenHeader", "read_header", "verify_signature"]

MAX_TOKEN_LENGTH = 32 * 1024
_KEYS_INSIDE = frozenset({"jwk", "jku", "x5u", "x5c"})
_TYPES = frozenset({"jwt", "at+jwt"})
_JWS = jwt.PyJWS(algorithms=ALGORITHMS)


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """What a header may tell us before anything is proven."""

    kid: str


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature holds. The provider made its claims; whether they suit us is not said."""

    claims: dict[str, Any]
    key: SigningKey


def read_header(raw: str) -> TokenHeader:
    """Check the form of a token and return its unproven header.

    Raises:
        TokenError: `Reason.MALFORMED`, `Reason.HEADER` or `Reason.ALGORITHM`.
    """
    if len(raw) > MAX_TOKEN_LENGTH or raw.count(".") != 2:
        raise TokenError(Reason.MALFORMED, "not three parts")
    header = _read_object(_decode(raw.partition(".")[0]))
    if header.get("alg") not in ALGORITHMS:
        raise TokenError(Reason.ALGORITHM)
    if not _KEYS_INSIDE.isdisjoint(header):
        raise TokenError(Reason.HEADER, "carries a key or the address of one")
    if "crit" in header or "b64" in header or "zip" in header:
        raise TokenError(Reason.HEADER, "demands an extension")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenError(Reason.HEADER, "typ is not JWT")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise TokenError(Reason.HEADER, "kid is missing, too long or not a string")
    return TokenHeader(kid)


def verify_signature(raw: str, key: SigningKey) -> SignedToken:
    """Verify the signature of a token that passed `read_header`, and parse its claims.

    Raises:
        TokenError: `Reason.SIGNATURE` or `Reason.MALFORMED`.
    """
    try:
        payload = _JWS.decode(raw, key.public_key, algorithms=ALGORITHMS)
    except jwt.InvalidSignatureError as error:
        raise TokenError(Reason.SIGNATURE) from error
    except jwt.InvalidTokenError as error:
        raise TokenError(Reason.MALFORMED, "not a signed token") from error
    return SignedToken(_read_object(payload), key)


def _decode(segment: str) -> bytes:
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenError(Reason.MALFORMED, "not base64url") from error


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise TokenError(Reason.MALFORMED, "not JSON") from error
    if not isinstance(value, dict):
        raise TokenError(Reason.MALFORMED, "not a JSON object")
    return value
