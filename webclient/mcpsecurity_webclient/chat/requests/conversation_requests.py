"""The requests of servers to the person of one conversation: questions, and requests to use the model."""

from collections.abc import Callable
from typing import Any

from mcp import types
from mcp.client.session import ElicitationFnT

from mcpsecurity_webclient.chat.events import EventBus
from mcpsecurity_webclient.chat.requests.elicitation import ElicitationCoordinator, Recipient
from mcpsecurity_webclient.chat.requests.pending_requests import Kind, Remembered, State
from mcpsecurity_webclient.chat.requests.sampling import SamplingRequests
from mcpsecurity_webclient.chat.views import ElicitationView


class ConversationRequests:
    """The open requests of the conversation of `recipient`. `call_on` returns the id of the call that runs on
    a server; a question of the server belongs to it. `answered` is told of each answer of the
    person: the call's id and the action."""

    def __init__(
        self,
        recipient: Recipient,
        coordinator: ElicitationCoordinator,
        sampling: SamplingRequests,
        *,
        call_on: Callable[[str], str | None],
        answered: Callable[[str, str], None],
    ) -> None:
        self.sampling = sampling
        self._recipient = recipient
        self._coordinator = coordinator
        self._call_on = call_on
        self._answered = answered

    def elicitation(self, server: str) -> ElicitationFnT:
        """Return the callback with which a server asks the person."""

        async def ask(
            context: Any,  # noqa: ARG001 - as the SDK calls it
            params: types.ElicitRequestParams,
        ) -> types.ElicitResult | types.ErrorData:
            return await self._coordinator.ask(self._recipient, server, params, self._call_on(server))

        return ask

    def elicitations(self) -> list[ElicitationView]:
        """Return the open questions as the page shows them."""
        return [asked.to_json() for asked in self._coordinator.of(self._recipient.chat_id)]

    def open_count(self) -> int:
        """Return how many requests of servers wait for the person."""
        return len(self._coordinator.of(self._recipient.chat_id)) + len(self.sampling.to_json())

    def answer(self, elicitation_id: str, action: str, content: dict[str, Any] | None) -> None:
        """Take a person's answer to a question; see `ElicitationCoordinator.answer`."""
        call_id = self._coordinator.answer(self._recipient.chat_id, elicitation_id, action, content)
        if call_id is not None:
            self._answered(call_id, action)

    async def extend(self, kind: Kind, request_id: str) -> float:
        """Give the person more time for a question or a sampling request; return the new deadline."""
        if kind == "sampling":
            return await self.sampling.extend(request_id)
        return await self._coordinator.extend(self._recipient.chat_id, request_id)

    def withdraw(self, call_id: str) -> None:
        """Withdraw the questions of a call that has ended."""
        self._coordinator.withdraw(self._recipient.chat_id, call_id)

    def cancel_all(self, *, leaving: bool) -> None:
        """Cancel all questions: the answer was stopped, or another process takes the conversation over."""
        self._coordinator.cancel_all(self._recipient.chat_id, "restart" if leaving else "stop")

    def end_earlier(self, questions: list[Remembered], events: EventBus, run_id: str | None) -> None:
        """End the requests that another process had open; a late answer is told the reason."""
        for kind, id_, state in questions:
            ended: State = "ended" if state == "open" else state
            if kind == "elicitation":
                self._coordinator.remember(self._recipient.chat_id, id_, ended)
            else:
                self.sampling.remember(id_, ended)
            if state == "open" and kind == "elicitation":
                events.publish(
                    "elicitation.resolved",
                    run_id,
                    {"elicitation_id": id_, "action": "cancel", "by": "restart"},
                )
            elif state == "open":
                events.publish("sampling.resolved", run_id, {"sampling_id": id_, "decision": "decline"})
