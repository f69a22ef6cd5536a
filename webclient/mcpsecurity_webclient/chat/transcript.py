"""The turns of a conversation that the model reads, and the place of the person's last message in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent

from mcpsecurity.kernel.context.turns import leave_out, take_back_in
from mcpsecurity_webclient.chat.history import after_results_of, mark_message, message_of
from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall
from mcpsecurity_webclient.chat.notes import Note

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
        """The latest note that stands for turns before the last message, if there is one."""
        return next((note for note in reversed(self.notes) if note.turns <= self.question), None)

    @property
    def written_note(self) -> Note | None:
        """The latest of these notes that a model wrote."""
        wrote = (note for note in reversed(self.notes) if note.model is not None)
        return next((note for note in wrote if note.turns <= self.question), None)

    def ask(self, turns: Iterable[tuple[str, str] | ChatMessageContent], message_id: str) -> None:
        """Add the turns of a person's message: by role and text, or themselves."""
        self.question = len(self.turns)
        self.notes = [note for note in self.notes if note.turns <= self.question][-_MOST_NOTES:]
        for turn in turns:
            if isinstance(turn, ChatMessageContent):
                self.turns.append(turn)
            else:
                self.history.add_message({"role": turn[0], "content": turn[1]})
        mark_message(self.turns[self.question :], message_id)
        self.asked = len(self.turns)

    def files_of(self, message: Message) -> list[ChatMessageContent]:
        """Return copies of the turns with the files of a message: they come first."""
        places = _turns_of(message.message_id, self.turns)[: len(message.files or ())]
        return [self.turns[place].model_copy(update={"metadata": {}}) for place in places]

    def place_of(self, message: Message, after: str | None) -> int | None:
        """Return the place of the first turn of a message that stands after another one; None if it is not
        known."""
        mine = _turns_of(message.message_id if message.role == "user" else after, self.turns)
        if not mine:
            return None
        return mine[0] if message.role == "user" else mine[-1] + 1

    def cut(self, place: int, messages: Sequence[Message]) -> tuple[list[ChatMessageContent], list[Note]]:
        """Take the turns from a place on out, with the notes that they are in; `messages` are those that
        stay."""
        taken = self.turns[place:], [note for note in self.notes if note.turns > place]
        del self.turns[place:]
        self.notes = [note for note in self.notes if note.turns <= place]
        self.find_question(messages)
        return taken

    def find_question(self, messages: Sequence[Message]) -> None:
        """Find the place of the last message of the person again."""
        said = next((message for message in reversed(messages) if message.role == "user"), None)
        mine = _turns_of(said.message_id, self.turns) if said is not None else []
        self.question = mine[0] if mine else len(self.turns)
        self.asked = mine[-1] + 1 if mine else len(self.turns)

    def mark_messages(self, messages: Sequence[Message]) -> None:
        """Mark the turns of messages whose turns are not marked, as those of older releases are not: what
        was said in so many words is the message's, with the attachments before it."""
        begin = 0
        for message in messages:
            if message.role != "user":
                continue
            mine = _turns_of(message.message_id, self.turns) or self._turns_like(message, begin)
            mark_message([self.turns[place] for place in mine], message.message_id)
            begin = mine[-1] + 1 if mine else begin

    def _turns_like(self, message: Message, begin: int) -> range:
        """Return the places of the turns that say what a message says."""
        for place in range(begin, len(self.turns)):
            turn = self.turns[place]
            if turn.role == AuthorRole.USER and message.prompt is None and turn.content == message.text:
                first = place - len(message.attachments or ()) - len(message.files or ())
                return range(first, place + 1) if first >= begin else range(0)
        return range(0)

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


def _turns_of(message_id: str | None, turns: Sequence[ChatMessageContent]) -> list[int]:
    """Return the places of the turns of a person's message."""
    return [place for place, turn in enumerate(turns) if message_id and message_of(turn) == message_id]
