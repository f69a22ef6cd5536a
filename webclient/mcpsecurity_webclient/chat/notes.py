"""The model's note of the earlier part of a conversation, as it is kept and shown."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self, cast

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
        return cast("NoteView", {name: value for name, value in asdict(self).items() if value is not None})

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        """Return the note of a stored or published view."""
        return cls(**{field.name: stored[field.name] for field in fields(cls) if field.name in stored})
