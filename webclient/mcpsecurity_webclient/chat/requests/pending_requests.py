"""A record of open elicitation and sampling requests that outlives the process that shows them.

It has the ids and how the requests ended, never a question or an answer. A request ends with its process,
because the server's call does; the record lets the next process tell the person so.
"""

from typing import Literal, NamedTuple

from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    CommandError,
    RequestEndedError,
    RequestExpiredError,
    UnknownRequestError,
)

Kind = Literal["elicitation", "sampling"]
State = Literal["open", "answered", "expired", "ended"]
"""`ended`: with the process that asked."""


def error_of_answer(state: State | None) -> CommandError:
    """Return the error of an answer to a request that is no longer open; None is an unknown request."""
    match state:
        case None:
            return UnknownRequestError()
        case "expired":
            return RequestExpiredError()
        case "ended":
            return RequestEndedError()
    return AlreadyDecidedError()


class Remembered(NamedTuple):
    """A request whose deadline has not passed: its id and how it ended."""

    kind: Kind
    id: str
    state: State


class RequestLog:
    """Records the requests of one conversation, each until its deadline; this one, for one process, nothing.

    It never raises: a request that cannot be recorded is skipped.
    """

    async def asked(self, kind: Kind, id: str, expires_at: float) -> None:  # noqa: A002 - as the protocol calls it
        """Record a request that is about to be shown."""

    async def extended(self, kind: Kind, id: str, expires_at: float) -> None:  # noqa: A002
        """Record the new deadline of a request, unless it has ended."""

    def settled(self, kind: Kind, id: str, state: State) -> None:  # noqa: A002
        """Record how a request has ended, in the background."""

    async def left(self) -> list[Remembered]:
        """Return the requests of earlier processes and mark the open ones as ended."""
        return []

    async def aclose(self) -> None:
        """Wait for records that are being written."""
