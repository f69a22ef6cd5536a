"""Sampling: a server asks to use the model. The person sees the messages and approves each request."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp import types
from mcp.client.session import SamplingFnT

from mcpsecurity.client.parts import message_text
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload
from mcpsecurity_webclient.chat.requests.deadlines import Deadline, WaitingTime
from mcpsecurity_webclient.chat.requests.pending_requests import RequestLog, State, error_of_answer
from mcpsecurity_webclient.chat.views import SamplingView
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
)

_ENDED_KNOWN = 100


class Sampler(Protocol):
    """Asks the model."""

    def fits(self, params: types.CreateMessageRequestParams) -> bool:
        """Tell whether a request is no longer than what the model reads for one answer."""

    async def sample(
        self, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        """Return the model's answer to an approved request, or an error with the reason."""


@dataclass(slots=True)
class _Open:
    """A request that waits for its `decision` until its `deadline`."""

    request: SamplingView
    decision: asyncio.Future[bool]
    deadline: Deadline


class SamplingRequests:
    """The sampling requests of one conversation.

    `sampler` asks the model for an approved request. `time_to_decide` is how long the person has; `leaving`
    tells whether a request that is cancelled ends with this process.
    """

    def __init__(
        self,
        sampler: Sampler,
        publish: Callable[[EventName, EventPayload], None],
        *,
        log: RequestLog,
        time_to_decide: WaitingTime,
        leaving: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._sampler = sampler
        self._publish = publish
        self._log = log
        self._time = time_to_decide
        self._leaving = leaving
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._ended: dict[str, State] = {}

    def to_json(self) -> list[SamplingView]:
        """Return the open requests as the page shows them."""
        return [waiting.request for waiting in self._open.values()]

    def decide(self, sampling_id: str, *, approve: bool) -> None:
        """Take the person's decision; the first one wins.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError, RequestEndedError: it cannot be
                decided (any more).
        """
        self._awaited(sampling_id).decision.set_result(approve)

    async def extend(self, sampling_id: str) -> float:
        """Give the person more time to decide; return the new deadline.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError, RequestEndedError: it cannot be
                decided (any more).
            NoMoreTimeError: the deadline is the latest already.
        """
        waiting = self._awaited(sampling_id)
        later = waiting.request["expires_at"] = waiting.deadline.extend(self._clock())
        self._publish("request.extended", {"kind": "sampling", "id": sampling_id, "expires_at": later})
        await self._log.extended("sampling", sampling_id, later)
        return later

    def _awaited(self, sampling_id: str) -> "_Open":
        """Return a request that can be decided now. Raises `CommandError`."""
        if sampling_id not in self._open:
            raise error_of_answer(self._ended.get(sampling_id))
        if self._open[sampling_id].decision.done():
            raise AlreadyDecidedError
        return self._open[sampling_id]

    def remember(self, sampling_id: str, state: State) -> None:
        """Record how a request of this or another process has ended."""
        self._ended[sampling_id] = state
        while len(self._ended) > _ENDED_KNOWN:
            del self._ended[next(iter(self._ended))]

    def callback(self, server: str) -> SamplingFnT:
        """Return the callback that answers a server's sampling requests."""

        async def sample(
            context: Any,  # noqa: ARG001 - the callback's signature
            params: types.CreateMessageRequestParams,
        ) -> types.CreateMessageResult | types.ErrorData:
            if not await self._approved(server, params):
                return types.ErrorData(code=-1, message="User rejected sampling request")
            return await self._sampler.sample(params)

        return sample

    async def _approved(self, server: str, params: types.CreateMessageRequestParams) -> bool:
        sampling_id, deadline = secrets.token_urlsafe(9), Deadline(self._time, self._clock())
        request: SamplingView = {
            "sampling_id": sampling_id,
            "server": server,
            "messages": [{"role": m.role, "text": message_text(m)} for m in params.messages],
            "max_tokens": params.maxTokens,
            "expires_at": deadline.expires_at,
            "latest_at": deadline.latest_at,
        }
        if params.systemPrompt:
            request["system_prompt"] = params.systemPrompt
        if not self._sampler.fits(params):
            request["too_long"] = True
        decision: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._open[sampling_id] = _Open(request, decision, deadline)
        approved = False
        state: State = "answered"
        try:
            await self._log.asked("sampling", sampling_id, request["expires_at"])
            self._publish("sampling.requested", {"sampling": request})
            async with deadline.limit():
                approved = await decision
        except TimeoutError:
            state = "expired"
        except asyncio.CancelledError:
            state = "ended" if self._leaving() else "answered"
            raise
        finally:
            del self._open[sampling_id]
            self.remember(sampling_id, state)
            self._log.settled("sampling", sampling_id, state)
            told: Literal["approve", "decline"] = "approve" if approved else "decline"
            self._publish("sampling.resolved", {"sampling_id": sampling_id, "decision": told})
        return approved
