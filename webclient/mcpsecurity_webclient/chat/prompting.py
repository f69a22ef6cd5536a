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
    StreamingChatMessageContent,
    TextContent,
)

from mcpsecurity_webclient.chat.batches import Batch
from mcpsecurity_webclient.chat.calls import CANCELLED, CallDesk
from mcpsecurity_webclient.chat.history import valid_calls
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
            batch = self._propose(calls, message_id, len(history.messages), sink)
            await self._announce(batch, history)
            sink.done(spoken)
            if not calls:
                total.status = "completed"
                return total
            await self.carry_out(batch, history)
        return total

    async def carry_out(self, batch: Batch, history: ChatHistory) -> None:
        """Carry out side by side what of a batch has not ended; each call gets its result in the history.

        Cancelled ones do, too, but for calls that are left open for whoever goes on with the conversation.

        Raises:
            SignInRequiredError: a server wants a sign-in.
        """
        tasks = [
            asyncio.create_task(self._carry_out_one(number, batch, history), name=f"call {call.call_id}")
            for number, call in enumerate(batch.calls)
            if number not in batch.answered
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._end(batch, history)

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
        if message.items:
            history.add_message(message)
        return message, _spoken(whole)

    def _propose(
        self, items: list[FunctionCallContent], message_id: str, begin: int, sink: AnswerSink
    ) -> Batch:
        batch_id = secrets.token_urlsafe(8)
        calls = [self._desk.propose(c.name or "", _arguments(c), batch_id, message_id) for c in items]
        for call in calls:
            sink.called(call)
        return Batch(items, calls, begin)

    async def _announce(self, batch: Batch, history: ChatHistory) -> None:
        if batch.calls:
            try:
                await self._desk.announce(batch.calls)
            except asyncio.CancelledError:
                self._end(batch, history)
                raise

    async def _carry_out_one(self, number: int, batch: Batch, history: ChatHistory) -> None:
        batch.answer(number, await self._desk.carry_out(batch.calls[number]), history.messages)

    def _end(self, batch: Batch, history: ChatHistory) -> None:
        """End what of a batch has not: it was stopped."""
        for number, call in enumerate(batch.calls):
            if number not in batch.answered:
                self._desk.withdraw(call)
                if call.status != "proposed":
                    batch.answer(number, CANCELLED, history.messages)


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
    calls = valid_calls([item for item in whole.items if isinstance(item, FunctionCallContent)])
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
