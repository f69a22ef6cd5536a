"""Thoughts that an endpoint writes into the answer: between tags at its beginning, or as parts of it.

`<think>`: DeepSeek, Qwen and others behind a server that does not know their template; `<reasoning>`: gpt-oss
at Amazon Bedrock, around each piece; `<thought>`: Gemini. Parts are Mistral's and Databricks'.
"""

from typing import Any

__all__ = ["LeadingThought", "thought_in_parts"]

_TAGS = ("think", "thinking", "thought", "reasoning")
_OPEN = tuple(f"<{tag}>" for tag in _TAGS)
_MAX_BLANK = 1000
"""So many blanks before a tag are the answer's."""


class LeadingThought:
    """Tells thoughts between tags, which come before an answer, from the answer, while both come in."""

    def __init__(self) -> None:
        self._held = ""
        self._close: str | None = None
        self._answers = self._thought = False

    def split(self, piece: str) -> tuple[str, str]:
        """Take a piece and return what it adds to the thought and to the answer."""
        if self._answers:
            return "", piece
        thought, self._held = "", self._held + piece
        while self._held and not self._answers:
            if self._close is not None:
                found, whole = self._inside(self._close)
                thought += found
                if not whole:
                    return thought, ""
            elif not self._begins():
                return thought, ""
        answer, self._held = self._held, ""
        return thought, answer

    def end(self) -> tuple[str, str]:
        """Return the text that was held back: nothing more comes."""
        held, self._held = self._held, ""
        if self._close is not None:
            return held, ""
        return "", held.lstrip() if self._thought else held

    def _begins(self) -> bool:
        """Look for a tag that opens a thought; False if more has to come before one can tell."""
        text = self._held.lstrip()
        waits = any(opening.startswith(text) and opening != text for opening in _OPEN)
        if waits and len(self._held) <= _MAX_BLANK:
            return False
        opening = next((known for known in _OPEN if text.startswith(known)), None)
        if opening is None:
            self._answers, self._held = True, text if self._thought else self._held
            return True
        self._held, self._close, self._thought = text.removeprefix(opening), f"</{opening[1:]}", True
        return True

    def _inside(self, close: str) -> tuple[str, bool]:
        """Return the part of the text that is the thought, and whether it ended."""
        thought, found, rest = self._held.partition(close)
        if found:
            self._held, self._close = rest, None
            return thought, True
        kept = next((n for n in range(len(close) - 1, 0, -1) if thought.endswith(close[:n])), 0)
        self._held = thought[len(thought) - kept :]
        return thought[: len(thought) - kept], False


def thought_in_parts(content: Any) -> str:
    """Return what of a list of parts is thought; "" for everything else."""
    texts: list[Any] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            inner = part.get("thinking", part.get("summary"))
            pieces = inner if isinstance(inner, list) else [{"text": inner}]
            texts += [piece.get("text") for piece in pieces if isinstance(piece, dict)]
    return "".join(text for text in texts if isinstance(text, str))
