"""Sign-in on another device: the flows that wait for a person to enter their code (RFC 8628)."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from mcpsecurity.localcloud.entra.claims import NO_CLAIMS, AskedClaims
from mcpsecurity.localcloud.entra.directory import Client
from mcpsecurity.localcloud.entra.grants import Family
from mcpsecurity.localcloud.entra.scopes import Requested

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that looks like something else


@dataclass(eq=False, slots=True)
class DeviceFlow:
    """A device that waits. `family` is the sign-in once a person approved, `declined` that she did not."""

    client: Client
    requested: Requested
    user_code: str
    expires_at: float
    claims: AskedClaims = NO_CLAIMS
    family: Family | None = None
    declined: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the person has not answered yet."""
        return self.family is None and not self.declined


def new_user_code() -> str:
    """Return a code to type: nine characters, 45 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(9))


def find_device_flow(flows: Iterator[DeviceFlow], user_code: str, now: float) -> DeviceFlow | None:
    """Return the open flow that shows `user_code`, ignoring case and spacing."""
    typed = "".join(user_code.split()).upper()
    return next((f for f in flows if f.user_code == typed and f.is_open and now < f.expires_at), None)
