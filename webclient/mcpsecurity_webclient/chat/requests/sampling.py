"""Sampling: a server asks to use the model. A person sees what for and approves each time; off by default."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any

from mcp import types
from mcp.client.session import SamplingFnT
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import ChatHistory, FinishReason

from mcpsecurity.client.parts import part_text
from mcpsecurity.kernel.model import ChatModelSettings
from mcpsecurity_webclient.chat.agent.errors import MODEL_ERRORS, failure_of, report_in
from mcpsecurity_webclient.chat.agent.history import texts_of
from mcpsecurity_webclient.chat.requests.pending_requests import RequestEndedError, RequestLog, State

__all__ = ["SamplingDecidedError", "SamplingExpiredError", "SamplingRequests", "UnknownSamplingError"]

_log = logging.getLogger(__name__)
_MAX_TOKENS = 2000
_ENDED_KNOWN = 100
_STOP_REASONS = {str(FinishReason.LENGTH): "maxTokens", str(FinishReason.CONTENT_FILTER): "contentFilter"}


class UnknownSamplingError(LookupError):
    """There is no such request in this conversation."""


class SamplingDecidedError(Exception):
    """It is decided already."""


class SamplingExpiredError(Exception):
    """Nobody decided in time."""


class SamplingRequests:
    """The sampling requests of one conversation. `timeout` is how long a person has, in seconds; `leaving`
    tells whether what is cancelled ends with this process.
    """

    def __init__(
        self,
        service: ChatCompletionClientBase,
        publish: Callable[[str, dict[str, Any]], None],
        *,
        asking: RequestLog,
        timeout: float,
        leaving: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._service = service
        self._publish = publish
        self._asking = asking
        self._timeout = timeout
        self._leaving = leaving
        self._clock = clock
        self._open: dict[str, tuple[dict[str, Any], asyncio.Future[bool]]] = {}
        self._ended: dict[str, State] = {}

    def to_json(self) -> list[dict[str, Any]]:
        """Return the page's view of what is open."""
        return [request for request, _ in self._open.values()]

    def decide(self, sampling_id: str, *, approve: bool) -> None:
        """Take the person's decision; the first one wins.

        Raises:
            UnknownSamplingError, SamplingDecidedError, SamplingExpiredError, RequestEndedError: it cannot be
                decided (any more).
        """
        if sampling_id not in self._open:
            raise self._why_not(sampling_id)
        waiting = self._open[sampling_id][1]
        if waiting.done():
            raise SamplingDecidedError
        waiting.set_result(approve)

    def _why_not(self, sampling_id: str) -> Exception:
        match self._ended.get(sampling_id):
            case None:
                return UnknownSamplingError()
            case "expired":
                return SamplingExpiredError()
            case "ended":
                return RequestEndedError()
        return SamplingDecidedError()

    def remember(self, sampling_id: str, state: State) -> None:
        """Take down what became of a request that another process had, or this one."""
        self._ended[sampling_id] = state
        while len(self._ended) > _ENDED_KNOWN:
            del self._ended[next(iter(self._ended))]

    def callback(self, server: str) -> SamplingFnT:
        """Return what answers a server's requests."""

        async def sample(
            context: Any,  # noqa: ARG001 - the callback's signature
            params: types.CreateMessageRequestParams,
        ) -> types.CreateMessageResult | types.ErrorData:
            if not await self._approved(server, params):
                return types.ErrorData(code=-1, message="User rejected sampling request")
            return await self._sample(params)

        return sample

    async def _approved(self, server: str, params: types.CreateMessageRequestParams) -> bool:
        sampling_id = secrets.token_urlsafe(9)
        request: dict[str, Any] = {
            "sampling_id": sampling_id,
            "server": server,
            "messages": [{"role": m.role, "text": _text(m)} for m in params.messages],
            **({"system_prompt": params.systemPrompt} if params.systemPrompt else {}),
            "max_tokens": params.maxTokens,
            "expires_at": self._clock() + self._timeout,
        }
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._open[sampling_id] = (request, waiting)
        approved = False
        state: State = "answered"
        try:
            await self._asking.asked("sampling", sampling_id, request["expires_at"])
            self._publish("sampling.requested", {"sampling": request})
            async with asyncio.timeout(self._timeout):
                approved = await waiting
        except TimeoutError:
            state = "expired"
        except asyncio.CancelledError:
            state = "ended" if self._leaving() else "answered"
            raise
        finally:
            del self._open[sampling_id]
            self.remember(sampling_id, state)
            self._asking.settled("sampling", sampling_id, state)
            decision = "approve" if approved else "decline"
            self._publish("sampling.resolved", {"sampling_id": sampling_id, "decision": decision})
        return approved

    async def _sample(
        self, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        history = ChatHistory(system_message=params.systemPrompt)
        for message in params.messages:
            history.add_message({"role": message.role, "content": _text(message)})
        settings = ChatModelSettings(max_output_tokens=min(params.maxTokens, _MAX_TOKENS))
        try:
            answer = await self._service.get_chat_message_content(history, settings)
        except MODEL_ERRORS as error:
            failure = failure_of(error, "")
            _log.warning("sampling failed: %s%s", failure.code, report_in(error, texts_of(history.messages)))
            return types.ErrorData(code=types.INTERNAL_ERROR, message=failure.message)
        if answer is None or not str(answer):
            return types.ErrorData(code=types.INTERNAL_ERROR, message="The model gave no answer")
        return types.CreateMessageResult(
            role="assistant",
            content=types.TextContent(type="text", text=str(answer)),
            model=answer.ai_model_id or "model",
            stopReason=_STOP_REASONS.get(str(answer.finish_reason), "endTurn"),
        )


def _text(message: types.SamplingMessage) -> str:
    parts = message.content if isinstance(message.content, list) else [message.content]
    return "\n".join(
        part_text(part)
        if isinstance(part, types.TextContent | types.ImageContent | types.AudioContent)
        else f"[{part.type}, which the model cannot see]"
        for part in parts
    )
