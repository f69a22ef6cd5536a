"""Turns that the model is not sent, or not in full."""

from collections.abc import Iterable

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity.kernel.model import THOUGHT

_LEFT_OUT = "left_out"


def leave_out(turns: Iterable[ChatMessageContent]) -> None:
    """Stop sending these turns to the model."""
    for turn in turns:
        turn.metadata = {**turn.metadata, _LEFT_OUT: True}


def take_back_in(turns: Iterable[ChatMessageContent]) -> None:
    """Send these turns again."""
    for turn in turns:
        turn.metadata = {name: value for name, value in turn.metadata.items() if name != _LEFT_OUT}


def is_left_out(turn: ChatMessageContent) -> bool:
    """Tell whether a turn is not sent."""
    return bool(turn.metadata.get(_LEFT_OUT))


def without_thought(turn: ChatMessageContent) -> ChatMessageContent:
    """Return a turn without the text of what the model thought; the same turn if it has none."""
    if THOUGHT not in turn.metadata:
        return turn
    metadata = {name: value for name, value in turn.metadata.items() if name != THOUGHT}
    return turn.model_copy(update={"metadata": metadata})
