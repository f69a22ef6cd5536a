"""The credential of an app registration, as MSAL takes it."""

import re
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from mcpsecurity.oidc.azure_identity import AzureIdentity

ClientCredential = str | dict[str, str] | dict[str, Callable[[], str]]
"""A secret; private key and certificate; or a function that returns client assertions."""


def client_credential(
    secret: SecretStr | None, certificate_file: Path | None, identity: AzureIdentity | None = None
) -> ClientCredential:
    """Return the credential that is configured: of several, the certificate, then the secret.

    Raises:
        OSError: the file cannot be read.
        ValueError: nothing is configured, or the file does not hold a private key and a certificate (PEM).
    """
    if certificate_file is not None:
        text = certificate_file.read_text("ascii")
        key, certificate = _block(text, "[A-Z ]*PRIVATE KEY"), _block(text, "CERTIFICATE")
        return {"private_key": key, "public_certificate": certificate}
    if secret is not None:
        return secret.get_secret_value()
    if identity is not None:
        return {"client_assertion": identity.assertion}
    raise ValueError("there is no secret, no certificate and no identity")


def _block(pem: str, label: str) -> str:
    found = re.search(f"-----BEGIN {label}-----.+?-----END {label}-----", pem, re.DOTALL)
    if found is None:
        raise ValueError("the file must hold a private key and a certificate, as PEM")
    return found[0]
