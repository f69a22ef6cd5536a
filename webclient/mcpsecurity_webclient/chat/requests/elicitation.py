"""The elicitation coordinator: servers' questions go to the person whose call raised them, and to nobody
else.

A question belongs to a conversation, and a conversation to one signed-in session. An answer is taken
only from there; from anywhere else the question does not exist. Nobody's silence is a yes: the deadline
cancels.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

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
    parse_form,
    parse_visit,
)
from mcpsecurity_webclient.chat.event_types import (
    Action,
    ElicitationResolved,
    ElicitationView,
    EventName,
    EventPayload,
    Resolver,
)
from mcpsecurity_webclient.chat.requests.pending_requests import RequestLog, State
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    RequestEndedError,
    RequestExpiredError,
    UnknownRequestError,
)

__all__ = ["Asked", "ElicitationCoordinator"]

_ENDED_KEPT = 500


class Conversation(Protocol):
    """Whom a question belongs to and who hears of it."""

    chat_id: str
    asking: RequestLog

    def publish(self, name: EventName, payload: EventPayload) -> None:
        """Tell every page of the conversation."""


@dataclass(slots=True)
class Asked:
    """An open question."""

    elicitation_id: str
    chat: Conversation
    server: str
    message: str
    expires_at: float
    form: Form | None
    visit: Visit | None
    call_id: str | None
    answer: asyncio.Future[tuple[Outcome, Resolver]] = field(repr=False)

    def to_json(self) -> ElicitationView:
        """Return the page's view."""
        body: dict[str, Any] = {
            "elicitation_id": self.elicitation_id,
            "server": self.server,
            "message": self.message,
            "expires_at": self.expires_at,
        }
        if self.call_id is not None:
            body["call_id"] = self.call_id
        if self.visit is not None:
            url, host, warnings = self.visit.url, self.visit.host, list(self.visit.warnings)
            return cast(
                "ElicitationView", body | {"mode": "url", "url": url, "host": host, "warnings": warnings}
            )
        fields = self.form.to_json() if self.form else []
        return cast("ElicitationView", body | {"mode": "form", "fields": fields})


class ElicitationCoordinator:
    """Holds the open questions of all conversations. `deadline` is in seconds, `limit` per conversation."""

    def __init__(self, *, deadline: float, limit: int = 20, clock: Callable[[], float] = time.time) -> None:
        self._deadline = deadline
        self._limit = limit
        self._clock = clock
        self._open: dict[str, Asked] = {}
        self._ended: dict[str, tuple[str, State]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def of(self, chat_id: str) -> list[Asked]:
        """Return the open questions of a conversation."""
        return [asked for asked in self._open.values() if asked.chat.chat_id == chat_id]

    async def ask(
        self, chat: Conversation, server: str, params: types.ElicitRequestParams, call_id: str | None
    ) -> types.ElicitResult | types.ErrorData:
        """Ask the person and wait. The result is what the MCP server gets to hear."""
        try:
            asked = self._opened(chat, server, params, call_id)
        except (SchemaError, UrlRefusedError) as error:
            return types.ErrorData(code=types.INVALID_PARAMS, message=str(error))
        if len(self.of(chat.chat_id)) >= self._limit:
            return types.ElicitResult(action="cancel")
        self._open[asked.elicitation_id] = asked
        outcome: Outcome = Cancelled()
        by: Resolver = "server"
        try:
            await chat.asking.asked("elicitation", asked.elicitation_id, asked.expires_at)
            chat.publish("elicitation.requested", {"elicitation": asked.to_json()})
            async with asyncio.timeout(self._deadline):
                outcome, by = await asked.answer
        except TimeoutError:
            outcome, by = Expired(), "timeout"
        finally:
            self._close(asked, outcome, by)
        return _result(outcome)

    def answer(self, chat_id: str, elicitation_id: str, action: str, content: dict[str, Any] | None) -> None:
        """Take a person's answer; the first one wins.

        Raises:
            UnknownRequestError: this conversation has no such question.
            AlreadyDecidedError, RequestExpiredError, RequestEndedError: too late.
            InvalidContentError: the form's content does not fit; the question stays open.
        """
        asked = self._open.get(elicitation_id)
        if asked is None or asked.chat.chat_id != chat_id:
            raise self._why_not(chat_id, elicitation_id)
        if asked.answer.done():
            raise AlreadyDecidedError
        asked.answer.set_result((_outcome(asked, action, content), "user"))

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
        """Take down what became of a question that another process asked, or this one."""
        self._ended[elicitation_id] = (chat_id, state)
        while len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def _why_not(self, chat_id: str, elicitation_id: str) -> Exception:
        chat, state = self._ended.get(elicitation_id, ("", "answered"))
        if chat != chat_id:
            return UnknownRequestError()
        match state:
            case "expired":
                return RequestExpiredError()
            case "ended":
                return RequestEndedError()
        return AlreadyDecidedError()

    def _opened(
        self, chat: Conversation, server: str, params: types.ElicitRequestParams, call_id: str | None
    ) -> Asked:
        visit = parse_visit(params.url) if isinstance(params, types.ElicitRequestURLParams) else None
        form = (
            parse_form(params.requestedSchema) if isinstance(params, types.ElicitRequestFormParams) else None
        )
        return Asked(
            elicitation_id=secrets.token_urlsafe(12),
            chat=chat,
            server=server,
            message=params.message,
            expires_at=self._clock() + self._deadline,
            form=form,
            visit=visit,
            call_id=call_id,
            answer=asyncio.get_running_loop().create_future(),
        )

    def _close(self, asked: Asked, outcome: Outcome, by: Resolver) -> None:
        self._open.pop(asked.elicitation_id, None)
        state: State = "expired" if isinstance(outcome, Expired) else "answered"
        state = "ended" if by == "restart" else state
        self.remember(asked.chat.chat_id, asked.elicitation_id, state)
        asked.chat.asking.settled("elicitation", asked.elicitation_id, state)
        resolved: ElicitationResolved = {
            "elicitation_id": asked.elicitation_id,
            "action": _action(outcome),
            "by": by,
        }
        asked.chat.publish("elicitation.resolved", resolved)


def _outcome(asked: Asked, action: str, content: dict[str, Any] | None) -> Outcome:
    if action == "decline":
        return Declined()
    if action == "cancel":
        return Cancelled()
    if asked.form is None:
        return Accepted()
    return Accepted(asked.form.validate(content or {}))


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
            return types.ElicitResult(action="accept", content=content)
        case Declined():
            return types.ElicitResult(action="decline")
        case Cancelled() | Expired():
            return types.ElicitResult(action="cancel")
