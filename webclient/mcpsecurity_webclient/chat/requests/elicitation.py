"""The elicitation coordinator: it shows a server's question to the person whose call raised it, and to no one
else.

A question belongs to a conversation, and a conversation to one signed-in person. Only that conversation can
answer; for any other the question does not exist. A question that is not answered in time is cancelled.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from mcp import types

from mcpsecurity.elicitation import (
    Accepted,
    Cancelled,
    Declined,
    Expired,
    Form,
    Outcome,
    SchemaError,
    UrlRefusedError,
    Visit,
    exact_answer,
    parse_form,
    parse_visit,
)
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload
from mcpsecurity_webclient.chat.requests.deadlines import Deadline, WaitingTime
from mcpsecurity_webclient.chat.requests.pending_requests import RequestLog, State, error_of_answer
from mcpsecurity_webclient.chat.views import Action, ElicitationView, Resolver
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
)
from mcpsecurity_webclient.languages import translated

_ENDED_KEPT = 500


@dataclass(frozen=True, slots=True)
class Recipient:
    """The conversation that a question is shown in: its id, its pages and its log of requests."""

    chat_id: str
    publish: Callable[[EventName, EventPayload], None]
    log: RequestLog


@dataclass(slots=True)
class Asked:
    """An open question: a form to fill in, or a page to visit."""

    elicitation_id: str
    recipient: Recipient
    server: str
    message: str
    deadline: Deadline
    content: Form | Visit
    call_id: str | None
    answer: asyncio.Future[tuple[Outcome, Resolver]] = field(repr=False)

    def to_json(self) -> ElicitationView:
        """Return the page's view."""
        body: dict[str, Any] = {
            "elicitation_id": self.elicitation_id,
            "server": self.server,
            "message": self.message,
            "expires_at": self.deadline.expires_at,
            "latest_at": self.deadline.latest_at,
        }
        if self.call_id is not None:
            body["call_id"] = self.call_id
        match self.content:
            case Form():
                body |= {"mode": "form", "fields": self.content.to_json()}
            case Visit(url=url, host=host, warnings=warnings):
                warned = [translated(warning) for warning in warnings]
                body |= {"mode": "url", "url": url, "host": host, "warnings": warned}
        return cast("ElicitationView", body)


class ElicitationCoordinator:
    """Holds the open questions of all conversations; `limit` is per conversation."""

    def __init__(
        self, *, time_to_answer: WaitingTime, limit: int = 20, clock: Callable[[], float] = time.time
    ) -> None:
        self._time = time_to_answer
        self._limit = limit
        self._clock = clock
        self._open: dict[str, Asked] = {}
        self._ended: dict[str, tuple[str, State]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def of(self, chat_id: str) -> list[Asked]:
        """Return the open questions of a conversation."""
        return [asked for asked in self._open.values() if asked.recipient.chat_id == chat_id]

    async def ask(
        self, recipient: Recipient, server: str, params: types.ElicitRequestParams, call_id: str | None
    ) -> types.ElicitResult | types.ErrorData:
        """Ask the person and wait. The result is what the MCP server gets to hear."""
        try:
            asked = self._opened(recipient, server, params, call_id)
        except (SchemaError, UrlRefusedError) as error:
            return types.ErrorData(code=types.INVALID_PARAMS, message=str(error))
        if len(self.of(recipient.chat_id)) >= self._limit:
            return types.ElicitResult(action="cancel")
        self._open[asked.elicitation_id] = asked
        outcome: Outcome = Cancelled()
        by: Resolver = "server"
        try:
            await recipient.log.asked("elicitation", asked.elicitation_id, asked.deadline.expires_at)
            recipient.publish("elicitation.requested", {"elicitation": asked.to_json()})
            async with asked.deadline.limit():
                outcome, by = await asked.answer
        except TimeoutError:
            outcome, by = Expired(), "timeout"
        finally:
            self._close(asked, outcome, by)
        return _result(outcome)

    def answer(
        self, chat_id: str, elicitation_id: str, action: str, content: dict[str, Any] | None
    ) -> str | None:
        """Take a person's answer, and return the id of the call that the question belongs to; the first
        answer wins.

        Raises:
            UnknownRequestError: this conversation has no such question.
            AlreadyDecidedError, RequestExpiredError, RequestEndedError: too late.
            InvalidContentError: the form's content does not fit; the question stays open.
        """
        asked = self._awaited(chat_id, elicitation_id)
        asked.answer.set_result((_outcome(asked, action, content), "user"))
        return asked.call_id

    async def extend(self, chat_id: str, elicitation_id: str) -> float:
        """Give the person more time to answer; return the new deadline.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError, RequestEndedError: too late.
            NoMoreTimeError: the deadline is the latest already.
        """
        asked = self._awaited(chat_id, elicitation_id)
        later = asked.deadline.extend(self._clock())
        asked.recipient.publish(
            "request.extended", {"kind": "elicitation", "id": elicitation_id, "expires_at": later}
        )
        await asked.recipient.log.extended("elicitation", elicitation_id, later)
        return later

    def withdraw(self, chat_id: str, call_id: str) -> None:
        """Cancel the open questions of a call that has ended, such as with the server that asked."""
        for asked in self.of(chat_id):
            if asked.call_id == call_id and not asked.answer.done():
                asked.answer.set_result((Cancelled(), "server"))

    def cancel_all(self, chat_id: str, by: Resolver) -> None:
        """Cancel the open questions of a conversation, because its answer was stopped; `by` is stop or
        restart."""
        for asked in self.of(chat_id):
            if not asked.answer.done():
                asked.answer.set_result((Cancelled(), by))

    def remember(self, chat_id: str, elicitation_id: str, state: State) -> None:
        """Record how a question of this or another process has ended."""
        self._ended[elicitation_id] = (chat_id, state)
        while len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def _awaited(self, chat_id: str, elicitation_id: str) -> Asked:
        """Return a question that the person can answer now. Raises `CommandError`."""
        asked = self._open.get(elicitation_id)
        if asked is None or asked.recipient.chat_id != chat_id:
            chat, state = self._ended.get(elicitation_id, ("", None))
            raise error_of_answer(state if chat == chat_id else None)
        if asked.answer.done():
            raise AlreadyDecidedError
        return asked

    def _opened(
        self, recipient: Recipient, server: str, params: types.ElicitRequestParams, call_id: str | None
    ) -> Asked:
        return Asked(
            elicitation_id=secrets.token_urlsafe(12),
            recipient=recipient,
            server=server,
            message=params.message,
            deadline=Deadline(self._time, self._clock()),
            content=_content(params),
            call_id=call_id,
            answer=asyncio.get_running_loop().create_future(),
        )

    def _close(self, asked: Asked, outcome: Outcome, by: Resolver) -> None:
        self._open.pop(asked.elicitation_id, None)
        state: State = "expired" if isinstance(outcome, Expired) else "answered"
        state = "ended" if by == "restart" else state
        self.remember(asked.recipient.chat_id, asked.elicitation_id, state)
        asked.recipient.log.settled("elicitation", asked.elicitation_id, state)
        asked.recipient.publish(
            "elicitation.resolved",
            {"elicitation_id": asked.elicitation_id, "action": _action(outcome), "by": by},
        )


def _content(params: types.ElicitRequestParams) -> Form | Visit:
    """Read a question. Raises `SchemaError` or `UrlRefusedError` if it cannot be shown."""
    if isinstance(params, types.ElicitRequestURLParams):
        return parse_visit(params.url)
    return parse_form(params.requestedSchema)


def _outcome(asked: Asked, action: str, content: dict[str, Any] | None) -> Outcome:
    if action == "decline":
        return Declined()
    if action == "cancel":
        return Cancelled()
    if isinstance(asked.content, Visit):
        return Accepted()
    return Accepted(asked.content.validate(content or {}))


def _action(outcome: Outcome) -> Action:
    match outcome:
        case Accepted():
            return "accept"
        case Declined():
            return "decline"
        case Cancelled():
            return "cancel"
        case Expired():
            return "expired"


def _result(outcome: Outcome) -> types.ElicitResult:
    match outcome:
        case Accepted(content=content):
            return exact_answer(content)
        case Declined():
            return types.ElicitResult(action="decline")
        case Cancelled() | Expired():
            return types.ElicitResult(action="cancel")
