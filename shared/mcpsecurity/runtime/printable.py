"""Text from elsewhere, as it may be shown on a terminal: it moves no cursor and forges no line."""

import re
import unicodedata

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""Of terminals (ECMA-48): colours, movements, titles."""


def printable(text: str) -> str:
    """Return text from elsewhere with all that moves the cursor or turns the reading direction replaced."""
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") else "\ufffd" for c in text
    )


def one_line(text: str) -> str:
    """Return text from elsewhere as one line, so that it cannot look like a question of this program."""
    return printable(" ".join(text.splitlines()))


def uncoloured(text: str) -> str:
    """Return a program's output as one line without the colours that it is meant to have, and without what
    controls a terminal."""
    return one_line(_ESCAPES.sub("", text))
