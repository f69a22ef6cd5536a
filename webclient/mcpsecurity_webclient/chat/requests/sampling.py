"""Sampling: a server asks to use the model. The person sees the messages and approves each request."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Protocol, cast

from mcp import types
from mcp.client.session import SamplingFnT

from mcpsecurity.client.parts import message_text
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload, Publish
from mcpsecurity_webclient.chat.requests.deadlines import Deadline, WaitingTime
from mcpsecurity_webclient.chat.requests.pending_requests import (
    Kind,
    PendingRequest,
    PendingRequests,
    RequestLog,
    State,
)
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.views import SamplingView


class Sampler(Protocol):
    """Asks the model."""

    def fits(self, params: types.CreateMessageRequestParams) -> bool:
        """Tell whether a request is no longer than what the model reads for one answer."""

    async def sample(
        self, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        """Return the model's answer to an approved request, or an error with the reason."""


@dataclass(slots=True, kw_only=True)
class _Asked(PendingRequest[bool]):
    """A request that waits for the person's approval."""

    params: types.CreateMessageRequestParams
    fits: bool

    def to_json(self) -> SamplingView:
        """Return the page's view."""
        view: dict[str, Any] = {
            "sampling_id": self.request_id,
            "server": self.server,
            "messages": [{"role": m.role, "text": message_text(m)} for m in self.params.messages],
            "max_tokens": self.params.maxTokens,
            "expires_at": self.deadline.expires_at,
            "latest_at": self.deadline.latest_at,
        }
        if self.params.systemPrompt:
            view["system_prompt"] = self.params.systemPrompt
        if not self.fits:
            view["too_long"] = True
        return cast("SamplingView", view)


class SamplingRequests(PendingRequests[_Asked]):
    """The sampling requests of one conversation. `sampler` asks the model for an approved request."""

    kind: ClassVar[Kind] = "sampling"

    def __init__(
        self,
        sampler: Sampler,
        state: ConversationState,
        publish: Publish,
        log: RequestLog,
        *,
        time_to_answer: WaitingTime,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(state, publish, log, time_to_answer=time_to_answer, clock=clock)
        self._sampler = sampler

    def callback(self, server: str) -> SamplingFnT:
        """Return the callback that answers a server's sampling requests."""
        return partial(self._sample, server)

    def decide(self, sampling_id: str, *, approve: bool) -> None:
        """Take the person's decision; the first one wins.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError, RequestEndedError: it cannot be
                decided (any more).
        """
        self._awaited(sampling_id).answer.set_result(approve)

    async def _sample(
        self,
        server: str,
        context: Any,  # noqa: ARG002 - as the SDK calls it
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult | types.ErrorData:
        if not await self._approved(server, params):
            return types.ErrorData(code=-1, message="User rejected sampling request")
        return await self._sampler.sample(params)

    async def _approved(self, server: str, params: types.CreateMessageRequestParams) -> bool:
        asked = _Asked(
            request_id=secrets.token_urlsafe(9),
            server=server,
            deadline=Deadline(self._time, self._clock()),
            answer=asyncio.get_running_loop().create_future(),
            params=params,
            fits=self._sampler.fits(params),
        )
        self._open[asked.request_id] = asked
        approved = False
        state: State = "answered"
        try:
            await self._log.asked(self.kind, asked.request_id, asked.deadline.expires_at)
            self._publish("sampling.requested", {"sampling": asked.to_json()})
            async with asked.deadline.limit():
                approved = await asked.answer
        except TimeoutError:
            state = "expired"
        except asyncio.CancelledError:
            state = "ended" if self._state.leaving else "answered"
            raise
        finally:
            self._close(asked, state)
            told: Literal["approve", "decline"] = "approve" if approved else "decline"
            self._publish("sampling.resolved", {"sampling_id": asked.request_id, "decision": told})
        return approved

    def _withdrawn(self, request_id: str) -> tuple[EventName, EventPayload]:
        return "sampling.resolved", {"sampling_id": request_id, "decision": "decline"}
