"""The scopes that a sign-in asks for."""

from collections.abc import Iterable
from typing import Final

from mcpsecurity.client.oauth.documents import ServerMetadata

_MOST: Final = 4000
"""Characters; servers that name one scope after another make the address of a sign-in no longer."""


def joined(scopes: Iterable[str]) -> str:
    """Return scopes separated by blanks, each once, and as many as an address can carry."""
    asked = ""
    for scope in dict.fromkeys(scopes):
        if len(asked) + len(scope) < _MOST:
            asked = f"{asked} {scope}".strip()
    return asked


def needs_consent(scope: str | None, server: ServerMetadata) -> bool:
    """Tell whether a refresh token is given only to one who asks the person (OpenID Connect Core, 11).

    Entra ID gives a refresh token without asking. Asked to show its form, it refuses people who may not
    consent themselves, although an administrator has consented for them.
    """
    return "offline_access" in (scope or "").split() and server.cloud_instance_name is None
