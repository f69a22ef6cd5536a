"""A model of Semantic Kernel that is sent no more of a conversation than it reads for one answer."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from mcp import types
from pydantic import PrivateAttr
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    ChatHistory,
    ChatMessageContent,
    StreamingChatMessageContent,
)
from semantic_kernel.exceptions import ServiceException

from mcpsecurity.kernel.context.budget import ContextBudget, ModelInUse, Overhead, begins_with_system
from mcpsecurity.kernel.context.errors import overflow_in
from mcpsecurity.kernel.context.fitting import exchanges
from mcpsecurity.kernel.context.look_back import LOOK_BACK, look_back, look_back_plugin
from mcpsecurity.kernel.context.notes import ContextUse, Note
from mcpsecurity.kernel.context.tokens import tokens_of, tokens_of_turn
from mcpsecurity.kernel.model import ChatModel, ChatModelSettings
from mcpsecurity.kernel.model.base import FunctionCallingModel

_log = logging.getLogger(__name__)
_NOTE = "note"


class BudgetedModel(FunctionCallingModel):
    """A model for one conversation of any length.

    The history stays whole. What `model` is sent of it has, with its answer, at most `window` tokens: long
    results of tools become excerpts, then older turns a note that the model writes. The model reads what was
    left out by the function `_conversation-look_back`, which this adds to the kernel. A refusal that says
    that a request is too long is answered once with a smaller one, and teaches the window.

    Notes are kept in the metadata of the history's turns. `use` tells what the last request used.

    Raises (when asked): what `model` raises; TooLongError: the last message, or the tools, are too long by
        themselves.
    """

    _model: ChatModel = PrivateAttr()
    _asked: ModelInUse = PrivateAttr()
    _budget: ContextBudget = PrivateAttr()
    _history: ChatHistory = PrivateAttr(default_factory=ChatHistory)
    _use: ContextUse = PrivateAttr(default_factory=ContextUse)
    _learned: bool = PrivateAttr(default=False)
    _told: int | None = PrivateAttr(default=None)

    @classmethod
    def of(
        cls,
        model: ChatModel,
        *,
        window: int,
        kernel: Kernel,
        answer: int | None = None,
        guessed: bool = False,
    ) -> "BudgetedModel":
        """Return a model within a budget.

        Args:
            model: the model that is asked.
            window: how many tokens it reads for one answer.
            kernel: gets the function by which the model looks back.
            answer: the most tokens of an answer, if that is set.
            guessed: nothing tells the window, so that it may be larger.
        """
        made = cls(ai_model_id=model.ai_model_id, service_id=model.service_id)
        made._model = model
        made._asked = ModelInUse(model.ai_model_id, model, window, answer, guessed)
        made._budget = ContextBudget(made._use, made._keep)
        kernel.add_plugin(look_back_plugin(made._look_back))
        return made

    @property
    def in_use(self) -> ModelInUse:
        """The model that is asked, with the window that it was found to have."""
        return self._asked

    def reads(self, window: int) -> None:
        """Take the window that the endpoint tells. What a refusal taught counts until it tells another."""
        if not self._learned or self._told not in (None, window):
            self._asked.window, self._learned = window, False
            self._asked.guessed = False
        self._told = window

    @property
    def use(self) -> ContextUse:
        """What the last request used of the window."""
        return self._use

    def service_url(self) -> str:
        """Return the base URL that requests go to."""
        return self._model.service_url()

    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        found: list[ChatMessageContent] = []
        try:
            found = await self._model.get_chat_message_contents(*await self._fitted(chat_history, settings))
        except ServiceException as error:
            self._learn(error)
            found = await self._model.get_chat_message_contents(*await self._fitted(chat_history, settings))
        self._count(found[-1:])
        return found

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        for last in (False, True):
            begun, sent = False, await self._fitted(chat_history, settings)
            try:
                async with aclosing(self._model.get_streaming_chat_message_contents(*sent)) as stream:
                    async for parts in stream:
                        begun = True
                        for part in parts:
                            part.function_invoke_attempt = function_invoke_attempt
                        self._count(parts)
                        yield parts
                return
            except ServiceException as error:
                if begun or last:
                    raise
                self._learn(error)

    async def _fitted(
        self, history: ChatHistory, settings: PromptExecutionSettings
    ) -> tuple[ChatHistory, ChatModelSettings]:
        """Return the request: as much of a history as fits, and the tools."""
        self._history = history
        system = history.messages[:1] if begins_with_system(history.messages) else []
        plain = ChatModelSettings(**settings.model_dump(exclude={"function_choice_behavior"}))
        tools = plain.tools or []
        overhead = Overhead(
            sum(map(tokens_of_turn, system)), sum(tokens_of(json.dumps(tool)) for tool in tools)
        )
        turns = await self._budget.prepared(_History(history), self._asked, overhead)
        if not self._budget.looks_back:
            plain.tools = [tool for tool in tools if tool["name"] != LOOK_BACK] or None
            plain.tool_choice = plain.tool_choice if plain.tools else None
        return ChatHistory(messages=[*system, *turns]), plain

    def _learn(self, error: ServiceException) -> None:
        """Learn from a refusal that says that the request was too long. Raise any other."""
        if (said := overflow_in(error)) is None:
            raise error
        window = self._asked.window
        self._budget.refused(self._asked, said)
        if self._asked.window < window:
            self._learned = True
            _log.warning(
                "the model %s reads %d tokens, as it refused more: set its context window "
                "(MCPSECURITY_MODEL_CONTEXT_WINDOW)",
                self.ai_model_id,
                self._asked.window,
            )

    def _count(self, parts: list[Any]) -> None:
        for part in parts:
            if usage := part.metadata.get("usage"):
                self._budget.reported(self._asked, usage.prompt_tokens)

    def _keep(self, note: Note) -> None:
        self._history.messages[note.turns - 1].metadata[_NOTE] = asdict(note)

    async def _look_back(self, _: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
        turns = list(self._history.messages)
        text = await asyncio.to_thread(look_back, turns, arguments, self._budget.page)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


class _History:
    """A history as the budget sees it: `Noted`."""

    def __init__(self, history: ChatHistory) -> None:
        self.turns = history.messages
        self.question = next(reversed(exchanges(self.turns)), len(self.turns))

    @property
    def note(self) -> Note | None:
        return next(self._notes(), None)

    @property
    def written_note(self) -> Note | None:
        return next((note for note in self._notes() if note.model is not None), None)

    def _notes(self) -> Any:
        """Yield the notes of turns before the last message, the latest first."""
        for place in reversed(range(self.question)):
            if (kept := self.turns[place].metadata.get(_NOTE)) is not None:
                yield Note(kept["text"], place + 1, kept["model"])
