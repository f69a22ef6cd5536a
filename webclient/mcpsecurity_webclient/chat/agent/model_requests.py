"""Requests to the model of one conversation: the system message, what fits of the turns, and the tools."""

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from contextlib import aclosing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_calling_utils import (
    kernel_function_metadata_to_response_function_call_format,
)
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.kernel.context import ContextBudget, ModelInUse, Note, Overhead, TooLongError
from mcpsecurity.kernel.context.errors import overflow_in, refuses_pictures
from mcpsecurity.kernel.context.look_back import look_back, look_back_plugin
from mcpsecurity.kernel.context.tokens import tokens_of
from mcpsecurity.kernel.model import ChatModelSettings
from mcpsecurity_webclient.chat.agent.answer_stream import AnswerWriter
from mcpsecurity_webclient.chat.agent.errors import MODEL_ERRORS
from mcpsecurity_webclient.chat.agent.model_answer import ModelAnswer
from mcpsecurity_webclient.chat.agent.offered_models import OfferedModel
from mcpsecurity_webclient.chat.agent.system_message import system_message
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.history import message_of, without_pictures
from mcpsecurity_webclient.chat.mcp.plugins import MAX_TOOLS
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.notes import Note as KeptNote
from mcpsecurity_webclient.chat.state import ConversationState

_log = logging.getLogger(__name__)
_SYSTEM_TURN = 10
_AT_ONCE = 0.002
_PAUSE = 0.1
"""Pause between two reads of a streamed answer, in seconds: a wake-up costs more than a word."""
_OUR_PLUGIN = look_back_plugin()


class ModelRequests:
    """Asks the model, and keeps each request within its context window."""

    def __init__(
        self, state: ConversationState, servers: McpServers, publish: Publish, *, system_prompt: str | None
    ) -> None:
        self._state = state
        self._servers = servers
        self._publish = publish
        self._system_prompt = system_prompt
        self._kernel = Kernel()
        self._tools_tokens = tokens_of_plugins([_OUR_PLUGIN])
        self._budget = ContextBudget(state.context, self._noted)

    @property
    def kernel(self) -> Kernel:
        """The kernel that describes the tools to the model."""
        return self._kernel

    def bring(self, plugins: dict[str, KernelPlugin]) -> None:
        """Offer these tools from now on."""
        self._kernel.plugins.clear()
        self._kernel.plugins |= plugins
        self._tools_tokens = tokens_of_plugins([*plugins.values(), _OUR_PLUGIN])

    def drop_tools(self) -> None:
        """Offer no tools until they are brought again: its copies are larger than most chats."""
        self._kernel.plugins.clear()

    async def look_back(self, arguments: dict[str, Any]) -> str:
        """Return the parts that were left out of the model's request and that it asks for."""
        turns = list(self._state.transcript.turns)
        return await asyncio.to_thread(look_back, turns, arguments, self._budget.page)

    async def ask(self, model: OfferedModel, writer: AnswerWriter) -> ModelAnswer:
        """Stream one response of the model. Text that came before an error enters the history, too.

        A refusal that says that the request is too long is answered once with a smaller one, and one of
        pictures with a request that has none.

        Raises:
            What the service raises; TooLongError: not even the last message fits.
        """
        limit = model.settings.max_output_tokens
        used = ModelInUse(model.title, model.service, model.window, limit, model.guessed)
        try:
            return await self._asked(used, writer, sees=model.sees)
        except MODEL_ERRORS as error:
            if model.sees and refuses_pictures(error):
                model.blind = True
                _log.warning(
                    "the model %s sees no pictures: set MCPSECURITY_MODEL_IMAGES=false "
                    "(images in WEBCLIENT_MODELS)",
                    model.name,
                )
                return await self._asked(used, writer, sees=False)
            if (said := overflow_in(error)) is None:
                raise
            self._budget.refused(used, said)
            if used.window < model.window:
                model.learn(used.window)
                _log.warning(
                    "the model %s reads %d tokens, as it refused more: set its context window "
                    "(MCPSECURITY_MODEL_CONTEXT_WINDOW, or context_window in WEBCLIENT_MODELS)",
                    model.name,
                    used.window,
                )
            with suppress(TooLongError):  # nothing is left to shorten: what the endpoint said counts
                return await self._asked(used, writer, sees=model.sees)
            raise
        finally:
            model.inquiry.ask()

    async def _asked(self, used: ModelInUse, writer: AnswerWriter, *, sees: bool) -> ModelAnswer:
        instructions, now = self._servers.instructions(), datetime.now(UTC)
        system = system_message(self._system_prompt, now, instructions, self._state.locale)
        overhead = Overhead(tokens_of(system) + _SYSTEM_TURN, self._tools_tokens)
        turns = await self._budget.prepared(self._state.transcript, used, overhead)
        if not sees:
            turns = without_pictures(turns)
        self._offer_look_back()
        first = ChatMessageContent(role=AuthorRole.SYSTEM, content=system)
        response = await self._streamed(used, ChatHistory(messages=[first, *turns]), writer)
        self._budget.reported(used, response.completion().usage.get("prompt_tokens"))
        self._tell()
        return response

    async def _streamed(self, used: ModelInUse, history: ChatHistory, writer: AnswerWriter) -> ModelAnswer:
        settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto(auto_invoke=False))
        response, speaks = ModelAnswer(), False
        stream = used.service.get_streaming_chat_message_contents(history, settings, kernel=self._kernel)
        try:
            async with aclosing(stream):
                read_at = time.monotonic()
                async for parts in stream:
                    slow = speaks and time.monotonic() - read_at > _AT_ONCE
                    if any(part.metadata.get("text_was_thought") for part in parts):
                        writer.reset()
                    if piece := "".join(map(response.take, parts)):
                        writer.text(piece)
                        if slow:  # the model is slower than this: its next words are read together
                            await asyncio.sleep(_PAUSE)
                        speaks = True  # the time before its first words tells nothing of the next ones
                    read_at = time.monotonic()
        except BaseException:
            if not response.is_blank:
                self._state.transcript.history.add_assistant_message(response.text)
            raise
        return response

    def _offer_look_back(self) -> None:
        """Offer look-back if parts of the conversation are left out and one more function fits."""
        self._kernel.plugins.pop(_OUR_PLUGIN.name, None)
        count = sum(len(plugin.functions) for plugin in self._kernel.plugins.values())
        if self._budget.looks_back and count < MAX_TOOLS:
            self._kernel.plugins[_OUR_PLUGIN.name] = _OUR_PLUGIN

    def _noted(self, note: Note) -> None:
        """Keep a note, with the messages to which its turns belong."""
        transcript = self._state.transcript
        ids = [message.message_id for message in self._state.messages]
        said = (message_of(turn) for turn in transcript.turns[note.turns :])
        count = max(next((ids.index(found) for found in said if found in ids), len(ids)), 1)
        last, now = ids[:count][-1], time.time()
        transcript.notes.append(KeptNote(**asdict(note), messages=count, message_id=last, at=now))
        self._tell()

    def _tell(self) -> None:
        self._publish("context.changed", {"context": self._state.context_json()})


def tokens_of_plugins(plugins: Iterable[KernelPlugin]) -> int:
    """Return the tokens of the functions' descriptions, by estimate."""
    made = (
        kernel_function_metadata_to_response_function_call_format(function.metadata)
        for plugin in plugins
        for function in plugin.functions.values()
    )
    return sum(tokens_of(json.dumps(description)) for description in made)
