"""The turns of a conversation that the model reads, and the place of the person's last message in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent

from mcpsecurity_webclient.chat.history import after_results_of, leave_out, take_back_in
from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall
from mcpsecurity_webclient.chat.notes import Note

__all__ = ["Transcript"]

_MOST_NOTES = 20
_GO_ON = "Your last answer was cut off. Go on exactly where it ends; repeat nothing of it."


class Transcript:
    """The turns of a conversation: `history` is Semantic Kernel's.

    The person's last message begins at the place `question`, and its answer at `asked`: a message with
    attachments or a prompt has several turns. `notes` are the model's, each with more turns than the one
    before it.
    """

    def __init__(self, history: ChatHistory) -> None:
        self.history = history
        self.question = self.asked = len(history.messages)
        self.notes: list[Note] = []

    @property
    def turns(self) -> list[ChatMessageContent]:
        """All turns, in order."""
        return self.history.messages

    @property
    def note(self) -> Note | None:
        """The note that stands for the turns before the last message, as far as there is one."""
        return next((note for note in reversed(self.notes) if note.turns <= self.question), None)

    def ask(self, turns: Iterable[tuple[str, str]]) -> None:
        """Add the turns of a person's message, by role and text."""
        self.question = len(self.turns)
        self.notes = [note for note in self.notes if note.turns <= self.question][-_MOST_NOTES:]
        for role, content in turns:
            self.history.add_message({"role": role, "content": content})
        self.asked = len(self.turns)

    def marks(self) -> dict[str, int]:
        """Return the place of the last message, to be stored."""
        return {"question": self.question, "asked": self.asked}

    def restore(self, turns: list[ChatMessageContent], marks: Mapping[str, Any]) -> None:
        """Continue with stored turns; conversations of older releases have no `question`."""
        self.history.messages = turns
        self.asked = marks["asked"]
        self.question = marks.get("question", max(self.asked - 1, 1))

    def undo(self, marks: Mapping[str, int], length: int) -> None:
        """Undo `ask`: `marks` and `length` are those from before it."""
        del self.turns[length:]
        self.question, self.asked = marks["question"], marks["asked"]

    def leave_out_question(self) -> None:
        """Stop sending the last message and everything after it."""
        leave_out(self.turns[self.question :])

    def take_question_back_in(self) -> None:
        """Send the last message again."""
        take_back_in(self.turns[self.question :])

    def ask_to_go_on(self) -> None:
        """Ask the model to go on with its answer, if that is what the turns end with."""
        if self.turns and self.turns[-1].role == AuthorRole.ASSISTANT:
            self.history.add_user_message(_GO_ON)

    def drop_answer(
        self, messages: list[Message], calls: Mapping[str, PendingFunctionCall], *, settled: bool
    ) -> list[str]:
        """Drop the answer to the person's last message, from `messages`, too; return the ids of its calls.

        With `settled` all stays up to the last message that has a call which was made or declined, with the
        results, so that no such call is made or asked for again.
        """
        end = max(place for place, message in enumerate(messages) if message.role == "user") + 1
        cut = self.asked
        for place in reversed(range(end, len(messages)) if settled else ()):
            made = [calls[key] for key in messages[place].calls if key in calls]
            after = after_results_of([call.item_id for call in made if call.item_id], self.turns)
            if after is not None and any(call.settled for call in made):
                end, cut = place + 1, after
                break
        dropped = [call_id for message in messages[end:] for call_id in message.calls]
        del messages[end:], self.turns[cut:]
        return dropped
