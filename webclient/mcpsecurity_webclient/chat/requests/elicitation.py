"""The elicitation coordinator: it shows a server's question to the person whose call raised it, and to no one
else. A question that is not answered in time is cancelled."""

import asyncio
import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, cast

from mcp import types
from mcp.client.session import ElicitationFnT

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
    elicit_result,
    parse_question,
)
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload
from mcpsecurity_webclient.chat.requests.deadlines import Deadline
from mcpsecurity_webclient.chat.requests.pending_requests import Kind, PendingRequest, PendingRequests, State
from mcpsecurity_webclient.chat.views import Action, ElicitationView, Refusal, Resolver
from mcpsecurity_webclient.languages import translated

_MOST_OPEN = 20
_REFUSALS: dict[str, Refusal] = {"decline": "decline", "cancel": "cancel"}


@dataclass(slots=True, kw_only=True)
class Asked(PendingRequest[tuple[Outcome, Resolver]]):
    """An open question: a form to fill in, or a page to visit."""

    message: str
    content: Form | Visit
    call_id: str | None

    def to_json(self) -> ElicitationView:
        """Return the page's view."""
        body: dict[str, Any] = {
            "elicitation_id": self.request_id,
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


class ElicitationCoordinator(PendingRequests[Asked]):
    """The questions of servers in one conversation, at most 20 open ones."""

    kind: ClassVar[Kind] = "elicitation"

    def callback(self, server: str) -> ElicitationFnT:
        """Return the callback with which a server asks the person."""
        return partial(self._ask, server)

    def answer(self, elicitation_id: str, action: str, content: dict[str, Any] | None) -> None:
        """Take the person's answer; the first one wins.

        Raises:
            UnknownRequestError: this conversation has no such question.
            AlreadyDecidedError, RequestExpiredError, RequestEndedError: too late.
            InvalidContentError: the form's content does not fit; the question stays open.
        """
        asked = self._awaited(elicitation_id)
        asked.answer.set_result((_outcome(asked, action, content), "user"))
        if (call := self._state.calls.get(asked.call_id or "")) is not None:
            call.refused = _REFUSALS.get(action)

    def withdraw(self, call_id: str) -> None:
        """Cancel the open questions of a call that has ended, such as with the server that asked."""
        self._cancel([asked for asked in self._open.values() if asked.call_id == call_id], "server")

    def cancel_all(self) -> None:
        """Cancel all questions: the answer was stopped, or another process takes the conversation over."""
        self._cancel(list(self._open.values()), "restart" if self._state.leaving else "stop")

    async def _ask(
        self,
        server: str,
        context: Any,  # noqa: ARG002 - as the SDK calls it
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        """Ask the person and wait; return the server's answer."""
        try:
            asked = self._opened(server, params)
        except (SchemaError, UrlRefusedError) as error:
            return types.ErrorData(code=types.INVALID_PARAMS, message=str(error))
        if len(self) >= _MOST_OPEN:
            return types.ElicitResult(action="cancel")
        self._open[asked.request_id] = asked
        outcome: Outcome = Cancelled()
        by: Resolver = "server"
        try:
            await self._log.asked(self.kind, asked.request_id, asked.deadline.expires_at)
            self._publish("elicitation.requested", {"elicitation": asked.to_json()})
            async with asked.deadline.limit():
                outcome, by = await asked.answer
        except TimeoutError:
            outcome, by = Expired(), "timeout"
        finally:
            self._resolve(asked, outcome, by)
        return elicit_result(outcome, params)

    def _opened(self, server: str, params: types.ElicitRequestParams) -> Asked:
        return Asked(
            request_id=secrets.token_urlsafe(12),
            server=server,
            message=params.message,
            deadline=Deadline(self._time, self._clock()),
            content=parse_question(params),
            call_id=self._running_call(server),
            answer=asyncio.get_running_loop().create_future(),
        )

    def _running_call(self, server: str) -> str | None:
        """Return the id of the call that a server's question belongs to; None unless exactly one runs."""
        calls = self._state.calls.values()
        running = [call.call_id for call in calls if call.server == server and call.status == "running"]
        return running[0] if len(running) == 1 else None

    def _cancel(self, questions: list[Asked], by: Resolver) -> None:
        for asked in questions:
            if not asked.answer.done():
                asked.answer.set_result((Cancelled(), by))

    def _resolve(self, asked: Asked, outcome: Outcome, by: Resolver) -> None:
        state: State = "expired" if isinstance(outcome, Expired) else "answered"
        self._close(asked, "ended" if by == "restart" else state)
        self._publish(
            "elicitation.resolved",
            {"elicitation_id": asked.request_id, "action": _action(outcome), "by": by},
        )

    def _withdrawn(self, request_id: str) -> tuple[EventName, EventPayload]:
        return "elicitation.resolved", {"elicitation_id": request_id, "action": "cancel", "by": "restart"}


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
