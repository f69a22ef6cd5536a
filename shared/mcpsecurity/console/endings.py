"""How an answer ended, if it did not end as usual."""

from collections.abc import Iterable

from mcpsecurity.model_text_calls import writes_call

_ENDINGS = {
    "length": "This answer reached the limit of its length. Write “go on” to read more.",
    "content_filter": "The model's content filter ended this answer.",
}
_EMPTY = "The model gave no answer."
_CALL_AS_TEXT = (
    "The model wrote a tool call as text, so no tool was run: its server has no parser for this model's "
    "calls. `mcpsecurity doctor` examines it."
)


def ending_of(finish: str | None, text: str, functions: Iterable[str]) -> str:
    """Return a sentence for the person; "" if the answer ended as usual.

    Args:
        finish: why the answer ended, as `ChatModel` tells it.
        text: the answer's text since the last call.
        functions: the names of the functions that the model was offered.
    """
    if finish in _ENDINGS:
        return _ENDINGS[finish]
    if not text.strip():
        return _EMPTY
    return _CALL_AS_TEXT if writes_call(text, functions) else ""
