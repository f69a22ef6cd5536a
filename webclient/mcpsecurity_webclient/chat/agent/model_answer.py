"""One answer of the model as it is heard: its text, its calls, and how it ended."""

import json
from dataclasses import dataclass, field
from typing import Any

from semantic_kernel.contents import FunctionCallContent, StreamingChatMessageContent

from mcpsecurity_webclient.chat.strict_json import read_json
from mcpsecurity_webclient.errors import UnreadableCallError

__all__ = ["Completion", "HeardAnswer", "arguments_of"]

_COUNTS = ("prompt_tokens", "completion_tokens")
_OWN_ENDS = (None, "stop", "tool_calls", "function_call")


@dataclass(slots=True)
class Completion:
    """The outcome of one model response, or of the whole loop: `status` is `max_rounds` when
    the model would not stop calling.

    `finish_reason` is the model's, or `refusal`, `empty` (not a word came) or `unreadable` (a part of the
    answer was no JSON).
    """

    status: str = "completed"
    finish_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    model: str | None = None


class HeardAnswer:
    """Takes an answer in parts. `text` is what was said so far, a refusal included."""

    def __init__(self) -> None:
        self.text = ""
        self._refused = False
        self._calls: StreamingChatMessageContent | None = None
        self._known: dict[str, Any] = {}
        self._model: str | None = None

    def take(self, part: StreamingChatMessageContent) -> str:
        """Take a part and return what it adds to the text."""
        piece = part.content or ""
        if refusal := part.metadata.get("refusal"):
            piece += refusal if self._refused or not self.text + piece else f"\n\n{refusal}"
            self._refused = True
        self.text += piece
        if any(isinstance(item, FunctionCallContent) for item in part.items):
            self._calls = part if self._calls is None else self._calls + part
        self._known |= {name: value for name, value in part.metadata.items() if value}
        if part.finish_reason:
            self._known.setdefault("finish_reason", part.finish_reason.value)
        self._model = self._known.get("model") or getattr(part.inner_content, "model", None) or self._model
        return piece

    @property
    def calls(self) -> list[FunctionCallContent]:
        """The calls, as the model made them."""
        items = self._calls.items if self._calls is not None else ()
        return [item for item in items if isinstance(item, FunctionCallContent)]

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing, as far as it tells."""
        return self._known.get("finish_reason") in _OWN_ENDS and not self._known.get("unreadable")

    def completion(self) -> Completion:
        """Return what is known when nothing more comes."""
        usage = self._known.get("usage")
        counts = usage if isinstance(usage, dict) else {n: getattr(usage, n, None) for n in _COUNTS}
        return Completion(
            finish_reason=self._reason(),
            usage={name: count for name, count in counts.items() if isinstance(count, int)},
            model=self._model,
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
        if not self.text.strip():
            return "empty"
        return "stop" if reason in _OWN_ENDS else str(reason)


def arguments_of(call: FunctionCallContent, *, whole: bool) -> dict[str, Any]:
    """Return a call's arguments; nothing and `null` are none. Of an answer that is not `whole` some may be
    missing.

    Raises:
        UnreadableCallError: they are no JSON object.
    """
    text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    if whole and text.strip() in ("", "null"):
        return {}
    try:
        arguments = read_json(text)
    except ValueError as error:
        why = "its arguments are not JSON." if whole else "your answer was cut off within its arguments."
        raise UnreadableCallError(f"Error: this call was not made: {why}") from error
    if not isinstance(arguments, dict):
        raise UnreadableCallError("Error: this call was not made: its arguments are not a JSON object.")
    return arguments
