"""How an answer ended, if it did not end as usual."""

from collections.abc import Iterable

from mcpsecurity.model_text_calls import writes_call

_ENDINGS = {
    "length": "This answer reached the limit of its length. Write “go on” to read more.",
    "content_filter": "The model's content filter ended this answer.",
}
_EMPTY = "The model gave no answer."
_ONLY_THOUGHT = (
    "The model only thought, and gave no answer. Its server may take answers for thoughts. It thought:\n\n{}"
)
_THOUGHT_TOO_LONG = "The model reached the limit of its answer while it was still thinking."
_SHOWN = 2_000
_CALL_AS_TEXT = (
    "The model wrote a tool call as text, so no tool was run: its server has no parser for this model's "
    "calls. `mcpsecurity doctor` examines it."
)


def ending_of(finish: str | None, text: str, functions: Iterable[str], thought: str = "") -> str:
    """Return a sentence for the person; "" if the answer ended as usual.

    Args:
        finish: why the answer ended, as `ChatModel` tells it.
        text: the answer's text since the last call.
        functions: the names of the functions that the model was offered.
        thought: what the model thought before that text.
    """
    silent = not text.strip()
    if finish == "length" and silent and thought:
        return _THOUGHT_TOO_LONG
    if finish in _ENDINGS:
        return _ENDINGS[finish]
    if silent:
        return _ONLY_THOUGHT.format(thought.strip()[-_SHOWN:]) if thought.strip() else _EMPTY
    return _CALL_AS_TEXT if writes_call(text, functions) else ""
