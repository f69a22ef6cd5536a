"""The calls that the model made at one time, and their results in what the model reads."""

from dataclasses import dataclass, field

from semantic_kernel.contents import ChatMessageContent, FunctionCallContent, FunctionResultContent

from mcpsecurity_webclient.chat.models import PendingFunctionCall

__all__ = ["Batch"]


@dataclass(slots=True)
class Batch:
    """Calls side by side: `items` as the model made them, `calls` as the person sees them.

    `begin` is the place in the history where their results stand, in the order of the calls; `answered` are
    the numbers of those that have one.
    """

    items: list[FunctionCallContent]
    calls: list[PendingFunctionCall]
    begin: int
    answered: set[int] = field(default_factory=set)

    def answer(self, number: int, said: str, turns: list[ChatMessageContent]) -> None:
        """Put the result of a call into the history, once."""
        if number in self.answered:
            return
        place = self.begin + sum(other < number for other in self.answered)
        result = FunctionResultContent.from_function_call_content_and_result(self.items[number], said)
        turns.insert(place, result.to_chat_message_content())
        self.answered.add(number)
