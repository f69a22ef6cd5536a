"""A model's text as it comes: Markdown, shown block by block, so that no word is cut."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from rich.markdown import Markdown

from mcpsecurity.elicitation.terminal import printable

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
"""HTML is text here: what looks like a tag, such as `<name>`, is shown."""


def rendered(text: str) -> Markdown:
    """Return Markdown as Rich shows it. Links show their address; nothing of it controls the terminal."""
    shown = Markdown(printable(text), hyperlinks=False)
    shown.parsed = _PARSER.parse(shown.markup)
    return shown


class Prose:
    """Collects pieces of Markdown, and gives the blocks that are complete."""

    def __init__(self) -> None:
        self._text = ""

    def add(self, piece: str) -> Iterator[str]:
        """Take a piece; yield what can be shown: all before the last blank line outside of code."""
        self._text += piece
        end = _end_of_blocks(self._text)
        if end:
            block, self._text = self._text[:end], self._text[end:]
            yield block

    def rest(self) -> str:
        """Return the text that has not been shown, and forget it."""
        rest, self._text = self._text, ""
        return rest


def _end_of_blocks(text: str) -> int:
    """Return where the last complete block ends, or 0 if no block is complete."""
    fence, end, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        if not fence and not line.strip() and line.endswith("\n"):
            end = at
    return end
