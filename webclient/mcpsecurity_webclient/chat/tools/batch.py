"""The calls that the model made at one time, and their results in what the model reads."""

from dataclasses import dataclass, field

from semantic_kernel.contents import ChatMessageContent, FunctionCallContent

from mcpsecurity_webclient.chat.history import result_of
from mcpsecurity_webclient.chat.models import PendingFunctionCall

__all__ = ["ToolCallBatch"]


@dataclass(slots=True)
class ToolCallBatch:
    """Calls side by side: `items` as the model made them, `calls` as the person sees them.

    `begin` is the place in the history where their results stand, in the order of the calls and after those
    of calls that the person did not see; `answered` are the numbers of those that have one.
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
        turns.insert(place, result_of(self.items[number], said))
        self.answered.add(number)
