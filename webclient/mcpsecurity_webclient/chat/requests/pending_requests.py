"""What is remembered of servers' questions beyond the process that asks them: that they were, and how they
ended.

Never what was asked or answered. A question ends with the process that asked it, because the server's call
does; what is remembered lets the next process say so.
"""

from typing import Literal, NamedTuple, Protocol

__all__ = ["Kind", "NullRequestLog", "Remembered", "RequestLog", "State"]

Kind = Literal["elicitation", "sampling"]
State = Literal["open", "answered", "expired", "ended"]
"""`ended`: with the process that asked."""


class Remembered(NamedTuple):
    """A question whose time is not over: its id and what became of it."""

    kind: Kind
    id: str
    state: State


class RequestLog(Protocol):
    """Remembers the questions of one conversation, each until its time is over. It never fails: what cannot
    be remembered is not."""

    async def asked(self, kind: Kind, id: str, expires_at: float) -> None:  # noqa: A002 - as the protocol calls it
        """Remember a question that is about to be asked."""

    def settled(self, kind: Kind, id: str, state: State) -> None:  # noqa: A002
        """Remember soon how a question has ended."""

    async def left(self) -> list[Remembered]:
        """Return the questions of processes before, of which none is open any more from now on."""

    async def aclose(self) -> None:
        """Wait for what is to be remembered soon."""


class NullRequestLog:
    """Remembers nothing: without other processes nobody asks."""

    async def asked(self, kind: Kind, id: str, expires_at: float) -> None:  # noqa: A002
        """Remember nothing."""

    def settled(self, kind: Kind, id: str, state: State) -> None:  # noqa: A002
        """Remember nothing."""

    async def left(self) -> list[Remembered]:
        """Return nothing."""
        return []

    async def aclose(self) -> None:
        """Wait for nothing."""
