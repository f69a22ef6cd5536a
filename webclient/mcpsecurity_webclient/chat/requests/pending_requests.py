"""Requests of MCP servers that wait for the person, and a record of them that outlives this process.

The record has the ids and how the requests ended, never a question or an answer. A request ends with its
process, because the server's call does; the record lets the next process tell the person so.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from mcpsecurity_webclient.chat.event_types import EventName, EventPayload, Publish
from mcpsecurity_webclient.chat.requests.deadlines import Deadline, WaitingTime
from mcpsecurity_webclient.chat.state import ConversationState
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

_ENDED_KEPT = 100


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


A = TypeVar("A")


@dataclass(slots=True, kw_only=True)
class PendingRequest(Generic[A]):
    """A request of `server` that waits until its deadline for the person's `answer`."""

    request_id: str
    server: str
    deadline: Deadline
    answer: asyncio.Future[A] = field(repr=False)

    def to_json(self) -> Any:
        """Return the page's view."""
        raise NotImplementedError


R = TypeVar("R", bound=PendingRequest[Any])


class PendingRequests(Generic[R]):
    """The requests of one kind in one conversation.

    They belong to the conversation, and it belongs to one signed-in person: for anybody else they do not
    exist. `time_to_answer` is how long the person has, `clock` gives seconds since 1970.
    """

    kind: ClassVar[Kind]

    def __init__(
        self,
        state: ConversationState,
        publish: Publish,
        log: RequestLog,
        *,
        time_to_answer: WaitingTime,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._publish = publish
        self._log = log
        self._time = time_to_answer
        self._clock = clock
        self._open: dict[str, R] = {}
        self._ended: dict[str, State] = {}

    def __len__(self) -> int:
        return len(self._open)

    def to_json(self) -> list[Any]:
        """Return the open requests as the page shows them."""
        return [request.to_json() for request in self._open.values()]

    async def extend(self, request_id: str) -> float:
        """Give the person more time; return the new deadline.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError, RequestEndedError: it cannot be
                answered (any more).
            NoMoreTimeError: the deadline is the latest already.
        """
        later = self._awaited(request_id).deadline.extend(self._clock())
        self._publish("request.extended", {"kind": self.kind, "id": request_id, "expires_at": later})
        await self._log.extended(self.kind, request_id, later)
        return later

    def remember(self, request_id: str, state: State) -> None:
        """Record how a request of this or another process has ended."""
        self._ended[request_id] = state
        while len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def end_earlier(self, found: Iterable[Remembered], publish: Publish) -> None:
        """End the requests that another process had open; a late answer is told the reason."""
        for kind, request_id, state in found:
            if kind == self.kind:
                self.remember(request_id, "ended" if state == "open" else state)
                if state == "open":
                    publish(*self._withdrawn(request_id))

    def _withdrawn(self, request_id: str) -> tuple[EventName, EventPayload]:
        """Return the event that tells the pages that a request has ended with its process."""
        raise NotImplementedError

    def _awaited(self, request_id: str) -> R:
        """Return a request that the person can answer now. Raises `CommandError`."""
        request = self._open.get(request_id)
        if request is None:
            raise _error_of_late_answer(self._ended.get(request_id))
        if request.answer.done():
            raise AlreadyDecidedError
        return request

    def _close(self, request: R, state: State) -> None:
        self._open.pop(request.request_id, None)
        self.remember(request.request_id, state)
        self._log.settled(self.kind, request.request_id, state)


def _error_of_late_answer(state: State | None) -> CommandError:
    """Return the error of an answer to a request that is no longer open; None is an unknown request."""
    match state:
        case None:
            return UnknownRequestError()
        case "expired":
            return RequestExpiredError()
        case "ended":
            return RequestEndedError()
    return AlreadyDecidedError()
