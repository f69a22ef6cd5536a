"""What a model has been sent of a conversation: how much of its window, and its note of the earlier part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from semantic_kernel.contents import ChatMessageContent


@dataclass(slots=True)
class ContextUse:
    """The last request: the model's `window` and how much of it was `used`, both in tokens, and how many
    results were sent as excerpts. `ratio` is what the model counted for one token of our estimate; `guessed`:
    nothing has told the window."""

    window: int = 0
    used: int = 0
    shortened: int = 0
    ratio: float = 1.0
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A note that stands for the first `turns` turns. `model` is the model that wrote it; None: it was put
    together from beginnings of messages, because no model could."""

    text: str
    turns: int
    model: str | None = None


class Noted(Protocol):
    """A conversation with its notes. The person's last message begins at the place `question`. `note` is the
    latest that stands for turns before that, `written_note` the latest of them that a model wrote."""

    @property
    def turns(self) -> Sequence[ChatMessageContent]:
        """All turns, in order."""

    @property
    def question(self) -> int:
        """The place of the person's last message."""

    @property
    def note(self) -> Note | None:
        """The note in use."""

    @property
    def written_note(self) -> Note | None:
        """The note to build upon."""
