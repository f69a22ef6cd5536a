"""The tenant's signing keys: RSA-2048, one that signs, and those the JWKS publishes."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm

from mcpsecurity.localcloud.storage import locked_folder, write_private


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the id under which the JWKS publishes its public half."""

    private_key: rsa.RSAPrivateKey
    kid: str

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key. CPU-heavy (tens of milliseconds): call it off the event loop."""
        return cls.of(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def of(cls, private_key: rsa.RSAPrivateKey) -> "SigningKey":
        """Return the signing key with the id derived from `private_key`."""
        public = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        digest = hashlib.sha256(public).digest()[:20]
        return cls(private_key, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())

    def jwk(self, issuer: str) -> dict[str, Any]:
        """Return the public half as Entra publishes it (RFC 7517, plus `issuer`)."""
        public = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        del public["key_ops"]
        return {**public, "use": "sig", "kid": self.kid, "x5t": self.kid, "issuer": issuer}


@dataclass(slots=True)
class SigningKeys:
    """The key that signs, and older ones that are still published."""

    current: SigningKey
    published: tuple[SigningKey, ...]

    @classmethod
    def of(cls, key: SigningKey) -> "SigningKeys":
        """Return a ring in which `key` signs and is the only one published."""
        return cls(key, (key,))

    def rotate_to(self, key: SigningKey) -> None:
        """Sign with `key` from now on; those published before stay published until `drop_old`."""
        self.current = key
        self.published = (key, *self.published)

    def drop_old(self) -> None:
        """Publish the signing key only: what older ones signed no longer verifies."""
        self.published = (self.current,)

    def drop_all(self) -> None:
        """Publish no key at all."""
        self.published = ()


def ensure_signing_key(folder: Path) -> SigningKey:
    """Return the key kept in `folder`, made at the first call. Blocks: call it off the event loop."""
    path = folder / "signing-key.pem"
    with locked_folder(folder):
        key = _load(path)
        if key is None:
            key = SigningKey.generate()
            pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_private(path, pem)
    return key


def _load(path: Path) -> SigningKey | None:
    try:
        # the file is our own and private: to check its primes again would take most of the start-up time
        key = load_pem_private_key(path.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
    except (FileNotFoundError, ValueError):
        return None
    path.chmod(0o600)
    return SigningKey.of(key) if isinstance(key, rsa.RSAPrivateKey) else None
