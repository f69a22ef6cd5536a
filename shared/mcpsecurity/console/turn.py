"""One answer: Semantic Kernel asks the model and carries out its calls; the text is shown as it comes."""

from collections.abc import Callable

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    FunctionCallContent,
    FunctionResultContent,
    StreamingChatMessageContent,
)

from mcpsecurity.console.endings import ending_of
from mcpsecurity.kernel.model import ChatModelSettings

CANCELLED = "The user stopped this before it was done."
_MAX_ROUNDS = 10


class Conversation:
    """A chat history and the model that continues it; `answered` is called after each answer,
    however it ended.

    Attributes:
        ending: how the last answer ended, if it did not end as usual.
    """

    def __init__(
        self,
        kernel: Kernel,
        service: ChatCompletionClientBase,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self._kernel = kernel
        self._service = service
        self._answered = answered
        self.history = ChatHistory()
        self.ending = ""
        self._finish: str | None = None
        self._thought = ""

    def clear(self) -> None:
        """Forget the conversation."""
        self.history.clear()

    async def answer(self, message: str, show: Callable[[str], None]) -> None:
        """Answer a message. When that is cancelled or fails, the text so far is kept, and open calls get a
        result: without one, the model would refuse everything that follows.

        Raises:
            Exception: the model's service raised it.
        """
        self.history.add_user_message(message)
        await self.go_on(show)

    async def go_on(self, show: Callable[[str], None]) -> None:
        """Answer the history as it is."""
        settings = ChatModelSettings(
            function_choice_behavior=FunctionChoiceBehavior.Auto(maximum_auto_invoke_attempts=_MAX_ROUNDS)
        )
        said: list[str] = []
        self.ending = self._thought = ""
        try:
            async for parts in self._service.get_streaming_chat_message_contents(
                self.history, settings, kernel=self._kernel
            ):
                for part in parts:
                    self._take(part, said, show)
            functions = (
                f"{f.plugin_name}-{f.name}" for f in self._kernel.get_full_list_of_function_metadata()
            )
            self.ending = ending_of(self._finish, "".join(said), functions, self._thought)
        finally:
            silent = self._finish == "stop" and not "".join(said).strip()
            self._settle(self._thought if silent else "".join(said))
            self._answered()

    def _take(self, part: StreamingChatMessageContent, said: list[str], show: Callable[[str], None]) -> None:
        """Show text of the model. Text before a call is in the history with the call already."""
        if part.role != AuthorRole.ASSISTANT:
            said.clear()
            self._thought = ""
            return
        if part.metadata.get("text_was_thought"):
            said.clear()
            show("\n\n")
        self._finish = part.metadata.get("finish_reason")
        self._thought = part.metadata.get("reasoning_summary", "")
        if text := str(part.content or "") + part.metadata.get("refusal_delta", ""):
            said.append(text)
            show(text)

    def _settle(self, said: str) -> None:
        items = [item for message in self.history.messages for item in message.items]
        done = {item.id for item in items if isinstance(item, FunctionResultContent)}
        for call in items:
            if isinstance(call, FunctionCallContent) and call.id not in done:
                result = FunctionResultContent.from_function_call_content_and_result(call, CANCELLED)
                self.history.add_message(result.to_chat_message_content())
        last = self.history.messages[-1] if self.history.messages else None
        if said and (last is None or last.content != said):
            self.history.add_assistant_message(said)
