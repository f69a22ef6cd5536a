"""Signing keys of a JSON Web Key Set (RFC 7517): which of them we would believe, parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

ALGORITHMS = ("RS256",)
MAX_KID_LENGTH = 256
MAX_KEYS = 100
_MIN_BITS = 2048
_MAX_BITS = 8192  # verification cost grows with the square


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A public RSA key for RS256, compared by identity.

    `issuer` is Entra's extension: the issuer that may sign with this key, possibly with the placeholder
    `{tenantid}`; None if the key set does not say.
    """

    kid: str
    public_key: RSAPublicKey
    material: tuple[str, str]
    issuer: str | None


def parse_keys(document: Mapping[str, Any], held: Mapping[str, SigningKey]) -> dict[str, SigningKey]:
    """Return the usable keys of a JWKS document by kid.

    Keys for encryption, of another type or algorithm, too short, too long, or malformed are left out. A key
    that is already in `held`, unchanged, is returned as the same object: identity tells whether a key is
    still published.
    """
    listed = document.get("keys")
    if not isinstance(listed, list):
        return {}
    keys: dict[str, SigningKey] = {}
    for entry in listed[:MAX_KEYS]:
        key = _parse_key(entry, held)
        if key is not None:
            keys.setdefault(key.kid, key)
    return keys


def _parse_key(entry: object, held: Mapping[str, SigningKey]) -> SigningKey | None:
    if not isinstance(entry, dict) or not _is_for_signatures(entry):
        return None
    modulus, exponent, issuer = entry.get("n"), entry.get("e"), entry.get("issuer")
    if not isinstance(modulus, str) or not isinstance(exponent, str) or not isinstance(issuer, str | None):
        return None
    known = held.get(entry["kid"])
    if known is not None and known.material == (modulus, exponent) and known.issuer == issuer:
        return known
    public_key = _rsa_key(modulus, exponent)
    return SigningKey(entry["kid"], public_key, (modulus, exponent), issuer) if public_key else None


def _is_for_signatures(entry: Mapping[str, Any]) -> bool:
    kid = entry.get("kid")
    operations = entry.get("key_ops", ["verify"])
    return (
        isinstance(kid, str)
        and 0 < len(kid) <= MAX_KID_LENGTH
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHMS[0]) in ALGORITHMS
        and isinstance(operations, list)
        and "verify" in operations
    )


def _rsa_key(modulus: str, exponent: str) -> RSAPublicKey | None:
    try:
        key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": modulus, "e": exponent})
    except (InvalidKeyError, ValueError):
        return None
    if not isinstance(key, RSAPublicKey) or not _MIN_BITS <= key.key_size <= _MAX_BITS:
        return None
    return key
