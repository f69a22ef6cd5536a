"""How a question to a person can end. Four things, not a boolean."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Accepted", "Cancelled", "Declined", "Expired", "Outcome"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The person agreed; `content` is what a form was filled with, and never part of a log."""

    content: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """The person said no."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person, or the server, did not go on with it."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody answered in time."""


Outcome = Accepted | Declined | Cancelled | Expired
