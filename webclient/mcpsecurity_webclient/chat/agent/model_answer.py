"""One response of the model as it streams in: its text, its calls, and how it ended."""

import json
from dataclasses import dataclass, field
from typing import Any

from semantic_kernel.contents import FunctionCallContent, StreamingChatMessageContent

from mcpsecurity.kernel.model import PHASE, REASONING, THOUGHT
from mcpsecurity_webclient.chat.strict_json import read_json
from mcpsecurity_webclient.errors import UnreadableCallError

_COUNTS = ("prompt_tokens", "completion_tokens")
_LONGEST_THOUGHT = 100_000
_NO_ARGUMENTS = ("", "null", "[]")
"""Spellings of "no arguments"; gateways in PHP turn an empty object into an empty list."""
_SHOWN_THOUGHT = 20_000
_OWN_ENDS = (None, "stop", "tool_calls", "function_call")


@dataclass(slots=True)
class Completion:
    """The outcome of one model response, or of the whole loop: `status` is `max_rounds` when
    the model would not stop calling.

    `finish_reason` is the model's, or `refusal`, `empty` (no text came), `unreadable` (a part of the
    answer was not JSON) or `call_as_text` (the model wrote a call as text, so that it was not made).
    `only_thought`: the model thought, and said nothing.
    """

    status: str = "completed"
    finish_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    model: str | None = None
    only_thought: bool = False


class ModelAnswer:
    """Takes an answer in parts, as `ChatModel` streams them. `calls` are as the model made them."""

    def __init__(self) -> None:
        self.calls: list[FunctionCallContent] = []
        self._pieces: list[str] = []
        self._speaks = self._refused = False
        self._known: dict[str, Any] = {}

    def take(self, part: StreamingChatMessageContent) -> str:
        """Take a part and return the new text. If the text so far was reasoning, the text starts anew."""
        if part.metadata.get("text_was_thought"):
            self._pieces.clear()
            self._speaks = False
        piece = part.content or ""
        if refusal := part.metadata.get("refusal_delta"):
            piece += refusal if self._refused or not (self._speaks or piece) else f"\n\n{refusal}"
            self._refused = True
        if piece:
            self._speaks = True
            self._pieces.append(piece)
        self.calls += [item for item in part.items if isinstance(item, FunctionCallContent)]
        self._known |= part.metadata
        return piece

    @property
    def text(self) -> str:
        """The text so far, including a refusal."""
        return "".join(self._pieces)

    @property
    def is_blank(self) -> bool:
        """Whether nothing of the text can be seen: there are blanks, or characters without width."""
        return not any(character.isprintable() for character in "".join(self.text.split()))

    @property
    def reasoning(self) -> list[Any]:
        """What the model thought, for its next round."""
        return list(self._known.get(REASONING, ()))

    @property
    def phase(self) -> str:
        """What the model says its message is, for all its later rounds; "" if it does not say."""
        return str(self._known.get(PHASE, ""))

    @property
    def thought(self) -> str:
        """What the model thought in plain text, for all its later rounds; "" if it is too long to be kept."""
        thought = str(self._known.get(THOUGHT, ""))
        return thought if len(thought) <= _LONGEST_THOUGHT else ""

    @property
    def only_thought(self) -> str:
        """What the model thought, if that is all there is of its answer; "" if it said or called something.
        It may be the answer, which a parser has taken for a thought, so its end counts most."""
        thought = str(self._known.get("reasoning_summary", "")).strip()
        if not thought or self._reason() not in ("empty", "length") or not self.is_blank:
            return ""
        return thought if len(thought) <= _SHOWN_THOUGHT else f"… {thought[-_SHOWN_THOUGHT:]}"

    @property
    def said(self) -> str:
        """What the model reads of its answer later: its text, or the thought that it ended with."""
        if not self.is_blank:
            return self.text
        return self.only_thought if self._reason() == "empty" else ""

    @property
    def whole(self) -> bool:
        """Whether the response is complete, by its finish reason and its readable chunks."""
        return self._known.get("finish_reason") in _OWN_ENDS and not self._known.get("unreadable")

    def completion(self) -> Completion:
        """Return the outcome, once the stream has ended."""
        counts = {name: getattr(self._known.get("usage"), name, None) for name in _COUNTS}
        return Completion(
            finish_reason=self._reason(),
            usage={name: count for name, count in counts.items() if isinstance(count, int)},
            model=self._known.get("model"),
            only_thought=bool(self.only_thought),
        )

    def _reason(self) -> str:
        reason = self._known.get("finish_reason")
        if self.calls:
            return "tool_calls"
        if self._refused:
            return "refusal"
        if reason in ("content_filter", "length"):
            return str(reason)
        if self._known.get("unreadable"):
            return "unreadable"
        if self.is_blank and reason in _OWN_ENDS:
            return "empty"
        return "stop" if reason in _OWN_ENDS else str(reason)


def arguments_of(call: FunctionCallContent, *, whole: bool) -> dict[str, Any]:
    """Return a call's arguments; no text, `null` and `[]` mean no arguments. An answer that is not `whole`
    may have lost some.

    Raises:
        UnreadableCallError: they are not a JSON object.
    """
    text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    if whole and text.strip() in _NO_ARGUMENTS:
        return {}
    try:
        arguments = read_json(text)
    except ValueError as error:
        why = "its arguments are not JSON." if whole else "your answer was cut off within its arguments."
        raise UnreadableCallError(f"Error: this call was not made: {why}") from error
    if not isinstance(arguments, dict):
        raise UnreadableCallError("Error: this call was not made: its arguments are not a JSON object.")
    return arguments
