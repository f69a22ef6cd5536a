"""Random numbers: one from the system's generator, and one that is derived from a date."""

import datetime as dt
from collections.abc import Callable
from hashlib import sha256
from random import SystemRandom
from typing import Annotated

from pydantic import BaseModel, Field

from mcpsecurity_server.tools.elicitation import ToolContext
from mcpsecurity_server.tools.errors import InputError
from mcpsecurity_server.tools.registration import Toolbox
from mcpsecurity_server.transport import step

LIMIT = 10**15
"""Above this, JavaScript clients lose digits of JSON numbers."""

_random = SystemRandom()


class RandomNumber(BaseModel):
    """A random whole number with min <= number < max."""

    number: int = Field(description="The random number.")
    min: int = Field(description="Smallest number that could have been drawn.")
    max: int = Field(description="Upper limit; itself never drawn.")


class NumberFromDate(BaseModel):
    """A number from 0 to 99 that is derived from a date."""

    number: int = Field(description="The number, 0 to 99; always the same for the same date.")
    datetime: str = Field(description="The date or date-time it was made from, ISO 8601.")


def register(toolbox: Toolbox, now: Callable[[], dt.datetime]) -> None:
    """Register the tools; `now` gives the current time with a time zone."""

    @toolbox.tool(title="Random number")
    async def get_random_number(
        context: ToolContext,
        min: Annotated[int, Field(description="Smallest number, inclusive.", ge=-LIMIT, le=LIMIT)] = 0,  # noqa: A002 - the contract's name
        max: Annotated[int, Field(description="Upper limit, exclusive.", ge=-LIMIT, le=LIMIT)] = 100,  # noqa: A002 - the contract's name
    ) -> RandomNumber:
        """Generate a random whole number between min (inclusive) and max (exclusive): 1 and 7 for a die."""
        if min >= max:
            raise InputError(f"min ({min}) must be below max ({max}); max itself is never drawn.")
        action = f"Generate a random number from {min} to {max - 1} (min = {min}, max = {max}, max excluded)."
        await toolbox.elicitor.approve(context, "get_random_number", action)
        return RandomNumber(number=_random.randrange(min, max), min=min, max=max)

    @toolbox.tool(title="Random number from a date", idempotent=True)
    async def get_random_number_from_date_time(
        context: ToolContext,
        datetime: Annotated[
            str | None, Field(description="ISO 8601 date or date-time, like 2025-12-24; default: now.")
        ] = None,
    ) -> NumberFromDate:
        """Generate a number from 0 to 99 based on a date or date-time, by default the current one.

        The same date always gives the same number.
        """
        moment = (
            _parse(datetime)
            if datetime is not None
            else await step("moment", lambda: now().isoformat(timespec="seconds"))
        )
        source = f"datetime = {moment}" if datetime is not None else f"the current date and time, {moment}"
        await toolbox.elicitor.approve(
            context, "get_random_number_from_date_time", f"Generate a number from {source}."
        )
        return NumberFromDate(number=number_of(moment), datetime=moment)


def number_of(moment: str) -> int:
    """Return the number, 0 to 99, of a canonical date or date-time."""
    return int.from_bytes(sha256(moment.encode()).digest()[:8]) % 100


def _parse(text: str) -> str:
    """Return the canonical form: the date, or the date-time in UTC if it has an offset."""
    text = text.strip()
    try:
        if len(text) <= len("2025-12-24"):
            return dt.date.fromisoformat(text).isoformat()
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"datetime {text[:40]!r} is not an ISO 8601 date; "
            "write it like 2025-12-24 or 2025-12-24T18:30:00+01:00."
        ) from None
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).isoformat(timespec="seconds")
