"""A client tells the server that the person has approved a call, and the model of changed arguments."""

import re
from typing import Final

APPROVED_META: Final = "mcpsecurity.dev/approved"
"""Key in a tools/call request's `_meta`: true when the person has approved this very call in the client.

A server whose policy is to ask *when the client supports it* need not ask a second time then. It is the
client's word and no proof: a server that must ask itself (policy `required`) ignores it.
"""

EDITED_META: Final = "mcpsecurity.dev/edited"
"""Key in the `_meta` of a result on its way to the kernel: the line of `edited_note` before its text."""

_EDITED = re.compile(r"The person changed the arguments of this call; it was made with (\{.*\})\.\n")
_MAX_ARGUMENTS = 4000


def edited_note(arguments: str) -> str:
    """Return a line for the model, before the result of a call whose arguments the person changed.

    Args:
        arguments: those of the call, as JSON in one line; of a very long one, the line only says so.
    """
    made = arguments if len(arguments) <= _MAX_ARGUMENTS else "others, which are too long to repeat"
    return f"The person changed the arguments of this call; it was made with {made}.\n"


def without_edited_note(text: str) -> tuple[str | None, str]:
    """Return the arguments of an `edited_note` at the beginning, or None, and the rest of the text."""
    note = _EDITED.match(text)
    return (note[1], text[note.end() :]) if note is not None else (None, text)
