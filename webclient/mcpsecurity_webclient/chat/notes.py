"""What a model has been sent of a conversation: how much of its window, and its note of the earlier part."""

from dataclasses import dataclass, fields
from typing import Any, Self

from mcpsecurity_webclient.chat.views import NoteView

__all__ = ["ContextUse", "Note"]


@dataclass(slots=True)
class ContextUse:
    """The last request: the model's `window`, what was `used` of it, both in tokens, and how many results
    were sent as excerpts. `ratio` is what the model counted for one token of our estimate."""

    window: int = 0
    used: int = 0
    shortened: int = 0
    ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Note:
    """A note that stands for the first `turns` turns, to which the messages up to `message_id` belong.

    `model` is the model that wrote it; None: it was put together from beginnings of messages, because no
    model could.
    """

    text: str
    turns: int
    messages: int
    message_id: str
    at: float
    model: str | None = None

    def to_json(self) -> NoteView:
        """Return the page's view, which is what is stored, too."""
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
