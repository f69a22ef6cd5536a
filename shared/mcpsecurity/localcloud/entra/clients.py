"""How a client application proves who it is at the token endpoint (RFC 6749 2.3, OIDC Core 9)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.directory import TENANT_ID, Client, ClientKind, Directory
from mcpsecurity.localcloud.entra.errors import EntraError

__all__ = ["Authenticated", "authenticate_client"]


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that has been identified; `azpacr` is how: "0" by name, "1" by secret, "2" by certificate."""

    client: Client
    azpacr: str


def authenticate_client(
    directory: Directory, authorization: str | None, values: Mapping[str, str]
) -> Authenticated:
    """Return the client of a token request.

    Raises:
        EntraError: it is unknown (AADSTS700016), has no or the wrong secret (7000218, 7000215), or presents
            one although it is public (700025).
    """
    basic_id, basic_secret = _basic(authorization)
    client_id = values.get("client_id") or basic_id
    secret = values.get("client_secret") or basic_secret
    if client_id is None:
        raise EntraError(Sts.MISSING_PARAMETER, parameter="client_id")
    client = directory.clients.get(client_id.lower())
    if client is None:
        raise EntraError(Sts.UNKNOWN_CLIENT, client=client_id, tenant=TENANT_ID)
    if client.kind is ClientKind.PUBLIC:
        if secret is not None:
            raise EntraError(Sts.PUBLIC_CLIENT)
        return Authenticated(client, "0")
    if secret is None:
        raise EntraError(Sts.SECRET_MISSING)
    if not any(hmac.compare_digest(secret.encode(), known.encode()) for known in client.secrets):
        raise EntraError(Sts.SECRET_WRONG, client=client.client_id)
    return Authenticated(client, "1")


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
