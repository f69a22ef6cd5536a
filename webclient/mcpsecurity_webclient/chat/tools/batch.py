"""The tool calls of one model response, and the places of their results in what the model reads."""

from dataclasses import dataclass, field

from semantic_kernel.contents import ChatMessageContent, FunctionCallContent

from mcpsecurity_webclient.chat.history import result_of
from mcpsecurity_webclient.chat.models import PendingFunctionCall


@dataclass(slots=True)
class ToolCallBatch:
    """Calls side by side: `items` as the model made them, `calls` as the person sees them.

    Their results stand in the history from `begin` on, in the order of the calls and after the results of
    calls that the person did not see. `answered` has the numbers of the calls with a result.
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
