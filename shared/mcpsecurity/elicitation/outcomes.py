"""How a question to a person can end. Four things, not a boolean."""

from dataclasses import dataclass, field
from typing import Any

from mcp import types


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


def exact_answer(content: dict[str, Any] | None) -> types.ElicitResult:
    """Return the accepted answer to a form, whose decimals keep their digits.

    The SDK's model, made in the usual way, makes doubles of them; a model of our own would be written with
    numbers for booleans.
    """
    return types.ElicitResult.model_construct(action="accept", content=content)


Outcome = Accepted | Declined | Cancelled | Expired
