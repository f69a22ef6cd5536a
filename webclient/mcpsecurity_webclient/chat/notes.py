"""The model's note of the earlier part of a conversation, as it is kept and shown."""

from dataclasses import dataclass, fields
from typing import Any, Self

from mcpsecurity.kernel.context import notes
from mcpsecurity_webclient.chat.views import NoteView


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(notes.Note):
    """A note that was written `at` a time, and stands for so many `messages`, up to `message_id`."""

    messages: int
    message_id: str
    at: float

    def to_json(self) -> NoteView:
        """Return the page's view, which is also the stored form."""
        view: NoteView = {
            "text": self.text,
            "turns": self.turns,
            "messages": self.messages,
            "message_id": self.message_id,
            "at": self.at,
        }
        if self.model is not None:
            view["model"] = self.model
        return view

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """Return the note of a stored or published view."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})
