"""Signed tokens (compact JWS, RFC 7515): three parts, RS256, a key named by `kid`, no extensions.

The header only selects one of the provider's keys: a token that contains a key, or the address of one, is
refused (RFC 8725, section 3). PyJWT decodes the parts and verifies the signature.
"""

from dataclasses import dataclass
from typing import Any

import jwt
import orjson

from mcpsecurity.oidc.errors import Reason, TokenError
from mcpsecurity.oidc.keys import ALGORITHMS, MAX_KID_LENGTH, SigningKey

MAX_TOKEN_LENGTH = 32 * 1024
_KEYS_INSIDE = frozenset({"jwk", "jku", "x5u", "x5c"})
_EXTENSIONS = frozenset({"crit", "b64", "zip", "enc"})
_TYPES = frozenset({"jwt", "at+jwt"})
_JWS = jwt.PyJWS(ALGORITHMS)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature is valid for `key`. Its claims are still to be checked."""

    claims: dict[str, Any]
    key: SigningKey


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token with an acceptable header. Only `kid` may be used before `verify`."""

    kid: str
    _raw: str

    def verify(self, key: SigningKey) -> SignedToken:
        """Verify the signature and parse the claims.

        Raises:
            TokenError: `Reason.SIGNATURE`, or `Reason.MALFORMED` for claims that are not a JSON object.
        """
        try:
            claims = orjson.loads(_JWS.decode(self._raw, key.public_key, algorithms=ALGORITHMS))
        except jwt.InvalidSignatureError as error:
            raise TokenError(Reason.SIGNATURE) from error
        except (jwt.InvalidTokenError, orjson.JSONDecodeError) as error:
            raise TokenError(Reason.MALFORMED, "not base64url or not JSON") from error
        if not isinstance(claims, dict):
            raise TokenError(Reason.MALFORMED, "not a JSON object")
        return SignedToken(claims, key)


def parse_token(raw: str) -> UnverifiedToken:
    """Check the form of a token and its header.

    Raises:
        TokenError: `Reason.MALFORMED`, `Reason.HEADER` or `Reason.ALGORITHM`.
    """
    if len(raw) > MAX_TOKEN_LENGTH or raw.count(".") != 2 or not raw.isascii() or "=" in raw:
        raise TokenError(Reason.MALFORMED, "not three parts of base64url")
    header = raw.partition(".")[0]
    try:
        return UnverifiedToken(_key_named_by(jwt.get_unverified_header(f"{header}..")), raw)
    except jwt.DecodeError as error:
        raise TokenError(Reason.MALFORMED, "the header is not a JSON object") from error
    except jwt.InvalidTokenError as error:
        raise TokenError(Reason.HEADER, "kid is not a string, or an extension is demanded") from error


def _key_named_by(header: dict[str, Any]) -> str:
    """Return the `kid` of a header, which must not contain other fields than those supported here."""
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
