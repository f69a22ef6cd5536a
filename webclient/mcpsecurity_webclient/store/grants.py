"""The stored form of what a person allows in all conversations."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from mcpsecurity_webclient.store.conversations import Owner


class GrantKey(NamedTuple):
    """The key of a grant among those of its owner. `arguments_hash` is empty for a tool with any
    arguments."""

    server: str
    tool: str
    arguments_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A tool that runs without asking its owner, with `arguments` only unless they are None.

    `definition` is the digest of the tool's definition as the person saw it; `given_at` is in seconds since
    1970.
    """

    key: GrantKey
    definition: str
    arguments: dict[str, Any] | None
    given_at: float


class GrantStore(Protocol):
    """Keeps grants, each found only by its owner. Every method may raise `StoreUnavailableError`."""

    async def all(self, owner: Owner) -> list[Grant]:
        """Return an owner's grants, the latest first."""

    async def keep(self, owner: Owner, grant: Grant) -> None:
        """Keep a grant, in the place of one with the same key. It is kept when this returns."""

    async def remove(self, owner: Owner, key: GrantKey) -> None:
        """Remove a grant, if the owner has it."""
