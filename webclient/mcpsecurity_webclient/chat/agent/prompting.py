"""The agent loop: ask the model, carry out its tool calls, ask again, until it answers without calls."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    TextContent,
)

from mcpsecurity.kernel.context.look_back import LOOK_BACK
from mcpsecurity.kernel.model import PHASE, REASONING, THOUGHT
from mcpsecurity.kernel.schema_functions import original_arguments
from mcpsecurity.model_text_calls import writes_call
from mcpsecurity_webclient.chat.agent.answer_stream import AnswerWriter
from mcpsecurity_webclient.chat.agent.model_answer import Completion, ModelAnswer, arguments_of
from mcpsecurity_webclient.chat.agent.model_requests import ModelRequests
from mcpsecurity_webclient.chat.agent.offered_models import OfferedModel
from mcpsecurity_webclient.chat.agent.tool_search import FIND_TOOLS, found_text, search_plugin, wanted_words
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.history import (
    THOUGHT_BY,
    call_ids,
    forget_reasoning,
    result_of,
    valid_call,
)
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.strict_json import to_json
from mcpsecurity_webclient.chat.tools.batch import ToolCallBatch
from mcpsecurity_webclient.chat.tools.calls import CANCELLED, ToolCalls
from mcpsecurity_webclient.errors import UnreadableCallError
from mcpsecurity_webclient.telemetry import trace_model_call

_log = logging.getLogger(__name__)
_NAME_SHOWN = 64
_PARAGRAPH = "\n\n"
_ONLY_THOUGHT = {
    "empty": (
        "the model %s only thought, and gave no answer: its server may take the answer for a thought (vLLM, "
        "SGLang: the --reasoning-parser of another model; LM Studio: separate reasoning_content in the "
        "developer settings; Xinference: start it with reasoning_content), or the model needs a lower effort "
        "(MCPSECURITY_MODEL_REASONING_EFFORT)"
    ),
    "length": (
        "the model %s spent its whole limit on thinking: raise MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS, or what "
        "its server reads (Ollama: OLLAMA_CONTEXT_LENGTH; llama.cpp: -c), or lower "
        "MCPSECURITY_MODEL_REASONING_EFFORT"
    ),
}
"""What operators can do about answers without a word, by how they ended."""


class PromptingService:
    """Runs one conversation's loop of model requests and tool calls."""

    def __init__(
        self,
        state: ConversationState,
        model: Callable[[], OfferedModel],
        servers: McpServers,
        tool_calls: ToolCalls,
        publish: Publish,
        *,
        max_rounds: int,
        system_prompt: str | None = None,
    ) -> None:
        self._model = model
        self._servers = servers
        self._tool_calls = tool_calls
        self._max_rounds = max_rounds
        self._requests = ModelRequests(state, servers, publish, system_prompt=system_prompt)
        self._answering = ""
        self._own: dict[str, Callable[[dict[str, Any]], Awaitable[str]]] = {
            FIND_TOOLS: self._find_tools,
            LOOK_BACK: self._requests.look_back,
        }

    async def answer(self, history: ChatHistory, writer: AnswerWriter) -> Completion:
        """Answer the history's last message and return the outcome. The history grows by text, calls and
        results.

        Every call in the history gets a result in any case, so that the conversation can go on.

        Raises:
            Exception: the model's service raised it, or `SignInRequiredError`.
        """
        await self._bring_tools()
        try:
            return await self._answered(history, writer)
        finally:
            self._requests.drop_tools()

    async def _answered(self, history: ChatHistory, writer: AnswerWriter) -> Completion:
        """Ask the model until it calls no more tools."""
        model, total = self._model(), Completion(status="max_rounds")
        self._answering = model.name
        forget_reasoning(turn for turn in history.messages if turn.metadata.get(THOUGHT_BY) != model.name)
        for _ in range(self._max_rounds):
            message_id = writer.begin()
            with trace_model_call(model.service.ai_model_id) as used:
                response = await self._requests.ask(model, writer)
                completion = response.completion()
                self._look_for_text_calls(response, completion, model)
                if completion.only_thought and response.said:
                    writer.text(f"{_PARAGRAPH if response.text else ''}{_quoted(response.said)}")
                model.reported = completion.model or model.reported
                used(completion.usage)
            _add(total, completion)
            answers = await self._own_answers(response)
            batch = self._propose(response, answers, message_id, history, writer)
            await self._announce(batch, history)
            writer.done(completion)
            if not response.calls:
                forget_reasoning(history.messages)
                total.status = "completed"
                return total
            await self.carry_out(batch, history)
        return total

    async def carry_out(self, batch: ToolCallBatch, history: ChatHistory) -> None:
        """Run the open calls of a batch concurrently; each call gets its result in the history.

        So does each cancelled call, unless it stays open for the process that continues the conversation.

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

    async def _bring_tools(self) -> None:
        """Give the kernel the tools as they are now, one plugin for each server.

        Raises:
            SignInRequiredError: the person's session gives no token any more.
        """
        await self._servers.refresh()
        self._offer_tools()

    def _offer_tools(self) -> None:
        plugins = self._servers.plugins()
        if self._servers.searched:
            plugins[FIND_TOOLS.partition("-")[0]] = search_plugin(self._servers.searched)
        self._requests.bring(plugins)

    async def _find_tools(self, arguments: dict[str, Any]) -> str:
        """Look for tools; those that are found are offered from the next round on."""
        found = self._servers.find_tools(wanted_words(arguments))
        self._offer_tools()
        return found_text(found)

    async def _own_answers(self, response: ModelAnswer) -> dict[int, str]:
        """Answer the calls of the chat's own functions, by their places in the response. Nothing of the
        response is recorded yet, so that a stop leaves nothing half done."""
        answers: dict[int, str] = {}
        for place, made in enumerate(response.calls):
            if (own := self._own.get(made.name or "")) is not None:
                with suppress(UnreadableCallError):  # `_propose` reports it
                    answers[place] = await own(arguments_of(made, whole=response.whole))
        return answers

    def _propose(
        self,
        response: ModelAnswer,
        answers: dict[int, str],
        message_id: str,
        history: ChatHistory,
        writer: AnswerWriter,
    ) -> ToolCallBatch:
        """Put a response into the history, and record its calls.

        Calls of the chat's own functions, of unknown tools, and with unreadable arguments are answered at
        once: the person has nothing to decide about them.
        """
        batch_id, taken = secrets.token_urlsafe(8), call_ids(history.messages)
        items: list[FunctionCallContent] = []
        answered: list[ChatMessageContent] = []
        batch = ToolCallBatch([], [], 0)
        for place, made in enumerate(response.calls):
            try:
                if made.name in self._own:
                    arguments = arguments_of(made, whole=response.whole)
                    items.append(valid_call(made, _written(made, arguments), taken))
                    answered.append(result_of(items[-1], answers[place]))
                    continue
                arguments = self._checked(made, whole=response.whole)
            except UnreadableCallError as error:
                items.append(valid_call(made, "{}", taken))
                answered.append(result_of(items[-1], str(error)))
                continue
            items.append(valid_call(made, _written(made, arguments), taken))
            batch.items.append(items[-1])
            batch.calls.append(
                self._tool_calls.propose(made.name or "", arguments, batch_id, message_id, items[-1].id or "")
            )
        if items or response.said:
            history.add_message(self._turn_of(response, items))
            history.messages += answered
        batch.begin = len(history.messages)
        for call in batch.calls:
            writer.called(call)
        return batch

    def _turn_of(self, response: ModelAnswer, items: list[FunctionCallContent]) -> ChatMessageContent:
        """Return what the model reads of its response later."""
        text = [TextContent(text=response.said)] if response.said else []
        known = {PHASE: response.phase, THOUGHT: response.thought}
        metadata: dict[str, Any] = {name: text for name, text in known.items() if text}
        if response.reasoning and items:
            metadata |= {REASONING: response.reasoning, THOUGHT_BY: self._answering}
        return ChatMessageContent(role=AuthorRole.ASSISTANT, items=[*text, *items], metadata=metadata)

    def _checked(self, made: FunctionCallContent, *, whole: bool) -> dict[str, Any]:
        """Return a call's arguments by the tool's own names.

        Raises:
            UnreadableCallError: the call cannot be shown.
        """
        _, tool = self._tool_calls.find(made.name or "")
        if tool is None:
            name = made.name or ""
            raise UnreadableCallError(
                f"Error: there is no tool {name[:_NAME_SHOWN]!r}. "
                "Call one of the tools that you were given, by its exact name."
            )
        plugin, _, name = (made.name or "").partition("-")
        return original_arguments(
            self._requests.kernel.get_function(plugin, name), arguments_of(made, whole=whole)
        )

    def _look_for_text_calls(
        self, response: ModelAnswer, completion: Completion, model: OfferedModel
    ) -> None:
        """Mark an answer that ends with a call written as text: such a call is not made."""
        functions = [
            f"{plugin.name}-{name}"
            for plugin in self._requests.kernel.plugins.values()
            for name in plugin.functions
        ]
        if completion.finish_reason == "stop" and writes_call(response.text, functions):
            completion.finish_reason = "call_as_text"
            _log.warning(
                "the model %s wrote a tool call as text: its server has no parser for this model's calls, or "
                "another one's (vLLM: --enable-auto-tool-choice --tool-call-parser; llama.cpp: --jinja)",
                model.name,
            )
        tokens = completion.usage.get("completion_tokens", 0)
        if completion.only_thought:
            _log.warning(
                _ONLY_THOUGHT.get(completion.finish_reason or "", _ONLY_THOUGHT["empty"]), model.name
            )
        elif completion.finish_reason == "empty" and functions and tokens:
            _log.warning(
                "the model %s wrote %d tokens, of which nothing arrived: its server dropped a thought, or "
                "a tool call that its parser could not read, as vLLM does",
                model.name,
                tokens,
            )

    async def _announce(self, batch: ToolCallBatch, history: ChatHistory) -> None:
        if batch.calls:
            try:
                await self._tool_calls.announce(batch.calls)
            except asyncio.CancelledError:
                self._end(batch, history)
                raise

    async def _carry_out_one(self, number: int, batch: ToolCallBatch, history: ChatHistory) -> None:
        batch.answer(number, await self._tool_calls.carry_out(batch.calls[number]), history.messages)

    def _end(self, batch: ToolCallBatch, history: ChatHistory) -> None:
        """End the open calls of a batch, because the answer was stopped."""
        for number, call in enumerate(batch.calls):
            if number not in batch.answered:
                self._tool_calls.withdraw(call)
                if call.status != "proposed":
                    batch.answer(number, CANCELLED, history.messages)


def _quoted(text: str) -> str:
    """Return text as a quotation in Markdown."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def _written(made: FunctionCallContent, arguments: dict[str, Any]) -> str:
    """Return a call's arguments as the model wrote them, if it wrote any."""
    written = made.arguments if arguments else None
    return written if isinstance(written, str) else to_json(arguments)


def _add(total: Completion, completion: Completion) -> None:
    total.finish_reason, total.model = completion.finish_reason, completion.model or total.model
    total.only_thought = completion.only_thought
    for name, count in completion.usage.items():
        total.usage[name] = total.usage.get(name, 0) + count
