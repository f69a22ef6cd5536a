"""Excerpts: the head and the tail of a long text, and a note on the part between them."""

from mcpsecurity.kernel.context.tokens import tokens_of

LONGEST = 1_000_000
"""Most characters of one text: Azure OpenAI refuses a message of more than 1,048,576."""

_LEAST = 200
_NOTE = 60
_HEAD = 2 / 3


def excerpt(text: str, tokens: int, note: str) -> str:
    """Return a text if it has at most so many tokens, by estimate, else its head and its tail.

    Args:
        text: the whole text.
        tokens: the most; 200 characters stay in any case.
        note: the text between them, with `{left_out}` and `{whole}` for numbers of characters, and
            `{head}` for how many characters come first.
    """
    counted = tokens_of(text)
    if counted <= tokens and len(text) <= LONGEST:
        return text
    kept = min(max(int(len(text) * max(tokens - _NOTE, 1) / counted), _LEAST), LONGEST)
    if kept >= len(text):
        return text
    head = int(kept * _HEAD)
    told = note.format(left_out=len(text) - kept, whole=len(text), head=head)
    return f"{text[:head]}\n[… {told} …]\n{text[len(text) - (kept - head) :]}"
