"""Thoughts that an endpoint writes into the answer: between tags at its beginning, or as parts of it.

`<think>`: DeepSeek, Qwen and others behind a server that does not know their template; `<reasoning>`: gpt-oss
at Amazon Bedrock, around each piece; `<thought>`: Gemini. Templates of DeepSeek, Qwen and others write the
opening tag into the prompt, so that only `</think>` comes. Parts are Mistral's and Databricks'.
"""

import re
from typing import Any

_TAGS = ("think", "thinking", "thought", "reasoning")
_OPEN = tuple(f"<{tag}>" for tag in _TAGS)
THINK = "<think>"
_MAX_BLANK = 1000
"""So many blanks before a tag are the answer's."""
_END = "</think>"
_THINKERS = re.compile(r"deepseek-?r1|\bqwq\b|\bthinking\b", re.IGNORECASE)
"""Models whose templates open the thought in the prompt; not every server takes it apart."""
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_BEFORE_QUOTED = " \t`'\"“‘«(["
"""After one of them a tag is spoken of: one that ends a thought stands right behind it, or begins a line."""
_MAX_QUOTED = 20
"""After so many tags that end no thought, an answer is about them."""


class LeadingThought:
    """Tells thoughts between tags, which come before an answer, from the answer, while both come in. `tag` is
    the last one that opened a thought; "" if none did."""

    def __init__(self) -> None:
        self.tag = ""
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
        self.tag, self._close, self._thought = opening, f"</{opening[1:]}", True
        self._held = text.removeprefix(opening)
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


class LoneEnd:
    """Finds the end of a thought that has no opening tag, while text comes in.

    A tag in code or in quotes, or one after an opening tag, ends nothing: the answer is about tags.

    Attributes:
        found: whether the end has come.
        missed: whether all text was held back for an end that did not come.
    """

    def __init__(self, *, holds: bool = False, looks: bool = True) -> None:
        """`holds`: all text is held back until the end comes. Without `looks` all text is the answer's."""
        self.found = False
        self._holds, self._looks = holds, looks
        self._before: list[str] = []
        self._tail = ""
        self._answers, self._quoted = False, 0

    @property
    def missed(self) -> bool:
        return self._holds and not self.found and bool(self._before)

    def split(self, piece: str) -> tuple[str, str]:
        """Take a piece; return the thought where its end is found, and what the piece adds to the answer.

        The thought is all text before its end, including text that was returned as the answer's.
        """
        if not self._looks:
            return "", self._begun(piece) if self.found else piece
        if "<" not in piece and not self._tail:
            self._before.append(piece)
            return "", "" if self._holds else piece
        text, self._tail, told = self._tail + piece, "", ""
        while _END in text:
            before, _, text = text.partition(_END)
            self._before.append(before)
            if _ends_thought(thought := "".join(self._before)):
                self.found, self._looks = True, False
                return thought, self._begun(text)
            self._before.append(_END)
            told, self._quoted = told + before + _END, self._quoted + 1
            if self._quoted >= _MAX_QUOTED:
                return "", self._given_up(told + text, text)
        kept = next((n for n in range(len(_END) - 1, 0, -1) if text.endswith(_END[:n])), 0)
        text, self._tail = text[: len(text) - kept], text[len(text) - kept :]
        self._before.append(text)
        return "", "" if self._holds else told + text

    def end(self, *, cut_off: bool) -> tuple[str, str]:
        """Return the held text, as thought or as answer; of an answer that was `cut_off` it is a thought."""
        tail, self._tail = self._tail, ""
        if not self._holds or not self._looks:
            return "", tail
        held = "".join(self._before) + tail
        return (held, "") if cut_off else ("", held)

    def _begun(self, text: str) -> str:
        """Return text of an answer without the blanks before it."""
        text = text if self._answers else text.lstrip()
        self._answers = self._answers or bool(text)
        return text

    def _given_up(self, told: str, rest: str) -> str:
        """Stop looking for an end, and return the text that was not returned yet."""
        self._looks = False
        return "".join(self._before) + rest if self._holds else told


def thinks_by_name(model: str) -> bool:
    """Tell whether a model's name says that its answers may begin within a thought."""
    return _THINKERS.search(model) is not None


def _ends_thought(before: str) -> bool:
    """Tell whether a closing tag after this text ends a thought."""
    if before.endswith(tuple(_BEFORE_QUOTED)) or THINK in before or len(_FENCE.findall(before)) % 2:
        return False
    return before.rpartition("\n")[2].count("`") % 2 == 0


def thought_in_parts(content: Any) -> str:
    """Return the thought in a list of parts; "" for everything else."""
    texts: list[Any] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            inner = part.get("thinking", part.get("summary"))
            pieces = inner if isinstance(inner, list) else [{"text": inner}]
            texts += [piece.get("text") for piece in pieces if isinstance(piece, dict)]
    return "".join(text for text in texts if isinstance(text, str))
