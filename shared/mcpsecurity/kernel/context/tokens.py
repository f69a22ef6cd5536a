"""Estimates of how many tokens a text is, without the model's own tokenizer.

They lie above what usual tokenizers count for prose in European languages, for code, for CJK and for base64.
What the model reports corrects them (`budget.py`).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from semantic_kernel.contents import (
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    ImageContent,
)

from mcpsecurity.kernel.model import REASONING, THOUGHT

_LETTERS = bytes([*range(0x41, 0x5B), *range(0x61, 0x7B)])
_DIGITS = bytes(range(0x30, 0x3A))
_SPACES = b" \t"
_NOT_ASCII = bytes(range(0x80, 0x100))
_WITHOUT_WORDS = 20
"""Letters in a row, on average, from which a text is taken for something without words, such as base64."""

_TURN = 10
_CALL = 30
"""What a message and a call have around their texts."""
_PICTURE = 1_500
_SEALED = 4
"""Characters of a token in what only the provider reads: encrypted thoughts and signatures."""
_KEPT = "tokens"
_LONG = 8_192


def tokens_of(text: str) -> int:
    """Return the estimate for a text."""
    if not text:
        return 0
    return _counted_once(text) if len(text) > _LONG else _counted(text)


def _counted(text: str) -> int:
    data = text.encode(errors="replace")
    letters = len(data) - len(data.translate(None, _LETTERS))
    digits = len(data) - len(data.translate(None, _DIGITS))
    spaces = len(data) - len(data.translate(None, _SPACES))
    others = len(data) - len(data.translate(None, _NOT_ASCII))
    marks = len(data) - letters - digits - spaces - others
    words = letters / 4 if letters < _WITHOUT_WORDS * (spaces + marks + 1) else letters / 1.5
    return int(words + digits / 2 + spaces / 8 + others / 2 + marks * 0.7) + 1


_counted_once = lru_cache(maxsize=64)(_counted)


def tokens_of_turn(turn: ChatMessageContent) -> int:
    """Return the estimate for a turn, with the thoughts in it. Text is counted once, and the count kept with
    the turn."""
    counted = turn.metadata.get(_KEPT)
    if not isinstance(counted, int):
        counted = turn.metadata[_KEPT] = _TURN + sum(map(_tokens_of_item, turn.items))
    thoughts = [turn.metadata.get(THOUGHT), *(item for _, item in turn.metadata.get(REASONING, ()))]
    return counted + sum(map(_tokens_of_thought, thoughts))


def tokens_of_turns(turns: Iterable[ChatMessageContent]) -> int:
    """Return the estimate for several turns."""
    return sum(map(tokens_of_turn, turns))


def _tokens_of_thought(value: Any) -> int:
    """Return the estimate for a thought as text, or for an item with texts and seals in it."""
    match value:
        case str():
            return tokens_of(value) if " " in value else len(value) // _SEALED
        case dict():
            return sum(map(_tokens_of_thought, value.values()))
        case list():
            return sum(map(_tokens_of_thought, value))
    return 0


def _tokens_of_item(item: Any) -> int:
    match item:
        case FunctionCallContent():
            return _CALL + tokens_of(str(item.arguments or "")) + tokens_of(item.name or "")
        case FunctionResultContent():
            return _CALL + tokens_of(str(item.result))
        case ImageContent():
            return _PICTURE
    return tokens_of(str(getattr(item, "text", "") or ""))
