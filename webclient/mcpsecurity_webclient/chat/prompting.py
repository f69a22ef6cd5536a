"""The model/tool loop: ask the model, carry out what it calls, ask again, until it answers in words."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import AzureChatPromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    StreamingChatMessageContent,
    TextContent,
)

from mcpsecurity_webclient.chat.calls import CANCELLED, CallDesk
from mcpsecurity_webclient.chat.models import PendingFunctionCall
from mcpsecurity_webclient.chat.wire import read_json
from mcpsecurity_webclient.watching import model_asked

__all__ = ["AnswerSink", "PromptingService", "Spoken"]


@dataclass(slots=True)
class Spoken:
    """What is known of one time the model spoke, and of the loop's end: `status` is `max_rounds` when
    the model would not stop calling."""

    status: str = "completed"
    finish_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    model: str | None = None


class AnswerSink(Protocol):
    """Takes the answer as it comes. Each time the model speaks is a message of its own."""

    def begin(self) -> str:
        """Begin a message and return its id."""

    def text(self, piece: str) -> None:
        """Take more text of the message."""

    def called(self, call: PendingFunctionCall) -> None:
        """Hear that the message makes a call."""

    def done(self, spoken: Spoken) -> None:
        """End the message."""


class PromptingService:
    """Runs one conversation's turns on a kernel and its chat completion service."""

    def __init__(
        self, kernel: Kernel, service: ChatCompletionClientBase, desk: CallDesk, *, max_rounds: int
    ) -> None:
        self._kernel = kernel
        self._service = service
        self._desk = desk
        self._max_rounds = max_rounds

    async def answer(self, history: ChatHistory, sink: AnswerSink) -> Spoken:
        """Answer the history's last message; it grows by what is said and called. Returns the sum of it.

        Whatever happens, every call in the history has a result, so that the conversation can go on.

        Raises:
            Whatever the service raises, and `SignInRequiredError`.
        """
        total = Spoken(status="max_rounds")
        for _ in range(self._max_rounds):
            message_id = sink.begin()
            with model_asked(self._service.ai_model_id) as used:
                whole, spoken = await self._ask(history, sink.text)
                used(spoken.usage)
            _add(total, spoken)
            calls = [item for item in whole.items if isinstance(item, FunctionCallContent)]
            pending = self._propose(calls, message_id, sink)
            sink.done(spoken)
            if not calls:
                total.status = "completed"
                return total
            await self._carry_out(calls, pending, history)
        return total

    async def _ask(
        self, history: ChatHistory, text: Callable[[str], None]
    ) -> tuple[ChatMessageContent, Spoken]:
        """Stream one answer of the model into the history; what was said before a stop is kept, too."""
        settings = AzureChatPromptExecutionSettings(
            function_choice_behavior=FunctionChoiceBehavior.Auto(auto_invoke=False)
        )
        whole: StreamingChatMessageContent | None = None
        try:
            async for parts in self._service.get_streaming_chat_message_contents(
                history, settings, kernel=self._kernel
            ):
                for part in parts:
                    whole = part if whole is None else whole + part
                    if part.content:
                        text(part.content)
        except asyncio.CancelledError:
            if whole is not None and whole.content:
                history.add_assistant_message(whole.content)
            raise
        if whole is None:
            return ChatMessageContent(role=AuthorRole.ASSISTANT, content=""), Spoken()
        message = _settled(whole)
        history.add_message(message)
        return message, _spoken(whole)

    def _propose(
        self, calls: list[FunctionCallContent], message_id: str, sink: AnswerSink
    ) -> list[PendingFunctionCall]:
        batch_id = secrets.token_urlsafe(8)
        pending = [self._desk.propose(c.name or "", _arguments(c), batch_id, message_id) for c in calls]
        for call in pending:
            sink.called(call)
        return pending

    async def _carry_out(
        self, calls: list[FunctionCallContent], pending: list[PendingFunctionCall], history: ChatHistory
    ) -> None:
        """Carry out a batch side by side; each call gets its result in the history, cancelled ones too."""
        tasks = [
            asyncio.create_task(self._desk.carry_out(call), name=f"call {call.call_id}") for call in pending
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for call, result in zip(calls, results, strict=True):
                said = result if isinstance(result, str) else CANCELLED
                content = FunctionResultContent.from_function_call_content_and_result(call, said)
                history.add_message(content.to_chat_message_content())


def _arguments(call: FunctionCallContent) -> dict[str, Any]:
    """Return the call's arguments; what is no JSON object is shown to the person as it is."""
    try:
        arguments = (
            read_json(call.arguments or "{}")
            if isinstance(call.arguments, str)
            else dict(call.arguments or {})
        )
    except ValueError:
        return {"arguments": str(call.arguments)}
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def _settled(whole: StreamingChatMessageContent) -> ChatMessageContent:
    """Return a streamed message as one that was not, which is what a history keeps."""
    calls = [item for item in whole.items if isinstance(item, FunctionCallContent)]
    text = [TextContent(text=whole.content)] if whole.content else []
    return ChatMessageContent(
        role=whole.role,
        items=[*text, *calls],
        finish_reason=whole.finish_reason,
        ai_model_id=whole.ai_model_id,
    )


def _spoken(whole: StreamingChatMessageContent) -> Spoken:
    usage = whole.metadata.get("usage") if whole.metadata else None
    counts = {name: getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")}
    return Spoken(
        finish_reason=str(whole.finish_reason.value) if whole.finish_reason else None,
        usage={name: count for name, count in counts.items() if isinstance(count, int)},
        model=getattr(whole.inner_content, "model", None),
    )


def _add(total: Spoken, spoken: Spoken) -> None:
    total.finish_reason, total.model = spoken.finish_reason, spoken.model or total.model
    for name, count in spoken.usage.items():
        total.usage[name] = total.usage.get(name, 0) + count
