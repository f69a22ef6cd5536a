"""How a question to a person can end. Four things, not a boolean."""

from dataclasses import dataclass, field
from typing import Any

from mcp import types

__all__ = ["Accepted", "Cancelled", "Declined", "ExactAnswer", "Expired", "Outcome"]


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


class ExactAnswer(types.ElicitResult):
    """The answer to a form, whose decimals keep their digits; the SDK's own model makes doubles of them."""

    content: dict[str, Any] | None = None


Outcome = Accepted | Declined | Cancelled | Expired
