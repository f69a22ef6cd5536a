"""A compact JWS (RFC 7515) of the one kind we accept: three parts, RS256, a key named by `kid`, no
extensions.

The header decides nothing but which of the provider's keys to try: keys or addresses of keys inside a token
are refused, never used and never fetched (RFC 8725, section 3).
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson
from jwt.algorithms import RSAAlgorithm

from mcpsecurity.oidc.errors import Reason, TokenError
from mcpsecurity.oidc.keys import ALGORITHMS, MAX_KID_LENGTH, SigningKey

__all__ = ["MAX_TOKEN_LENGTH", "SignedToken", "UnverifiedToken", "parse_token"]

MAX_TOKEN_LENGTH = 32 * 1024
_KEYS_INSIDE = frozenset({"jwk", "jku", "x5u", "x5c"})
_EXTENSIONS = frozenset({"crit", "b64", "zip", "enc"})
_TYPES = frozenset({"jwt", "at+jwt"})
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature holds. The provider made its claims; whether they suit us is not said."""

    claims: dict[str, Any]
    key: SigningKey


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token of the right form. Of its content only the name of the key may be used before `verify`."""

    kid: str
    _signed: bytes
    _payload: bytes
    _signature: bytes

    def verify(self, key: SigningKey) -> SignedToken:
        """Verify the signature and parse the claims.

        Raises:
            TokenError: `Reason.SIGNATURE`, or `Reason.MALFORMED` for claims that are not a JSON object.
        """
        if not _RS256.verify(self._signed, key.public_key, self._signature):
            raise TokenError(Reason.SIGNATURE)
        return SignedToken(_read_object(self._payload), key)


def parse_token(raw: str) -> UnverifiedToken:
    """Check the form of a token and its header.

    Raises:
        TokenError: `Reason.MALFORMED`, `Reason.HEADER` or `Reason.ALGORITHM`.
    """
    if len(raw) > MAX_TOKEN_LENGTH or raw.count(".") != 2 or not raw.isascii():
        raise TokenError(Reason.MALFORMED, "not three parts")
    signed, _, signature = raw.encode().rpartition(b".")
    header, _, payload = signed.partition(b".")
    kid = _key_named_by(_read_object(_decode(header)))
    return UnverifiedToken(kid, signed, _decode(payload), _decode(signature))


def _key_named_by(header: dict[str, Any]) -> str:
    """Return `kid` of a header that asks for nothing we do not do."""
    if header.get("alg") not in ALGORITHMS:
        raise TokenError(Reason.ALGORITHM)
    if not _KEYS_INSIDE.isdisjoint(header):
        raise TokenError(Reason.HEADER, "carries a key or the address of one")
    if not _EXTENSIONS.isdisjoint(header):
        raise TokenError(Reason.HEADER, "demands an extension")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenError(Reason.HEADER, "typ is not JWT")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise TokenError(Reason.HEADER, "kid is missing, too long or not a string")
    return kid


def _decode(segment: bytes) -> bytes:
    """Decode base64url without padding (RFC 7515, section 2), in its one canonical spelling."""
    try:
        data = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except binascii.Error as error:
        raise TokenError(Reason.MALFORMED, "not base64url") from error
    if urlsafe_b64encode(data).rstrip(b"=") != segment:
        raise TokenError(Reason.MALFORMED, "not base64url")
    return data


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise TokenError(Reason.MALFORMED, "not JSON") from error
    if not isinstance(value, dict):
        raise TokenError(Reason.MALFORMED, "not a JSON object")
    return value
