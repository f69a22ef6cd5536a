"""A text that grows: a finished block is rendered once, and only the last block again when text is added."""

import re
from dataclasses import dataclass

from mcpsecurity_webclient.chat.markdown.rendering import to_html

_TABLE_BEGINS = re.compile(r"(?:^|\n[ \t]*\n|^[^\n|]*\n)(\|[^\n]*(?:\n[ \t|:-]*)?)$")
"""A line with a bar, at the end of the text, before it is clear whether it heads a table."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The change after more text: the page appends `stable` and replaces the unfinished block by `html`."""

    stable: str
    html: str


class MarkdownStream:
    """Renders a text that grows."""

    def __init__(self) -> None:
        self.text = ""
        self.stable_html = ""
        self._begin = 0

    @property
    def unfinished(self) -> int:
        """How many characters the unfinished block has."""
        return len(self.text) - self._begin

    def add(self, text: str) -> Piece:
        """Add text and return the change."""
        self.text += text
        end = _end_of_finished_blocks(self.text, self._begin)
        stable = ""
        if end > self._begin:
            stable = to_html(self.text[self._begin : end])
            self._begin = end
            self.stable_html += stable
        return Piece(stable, to_html(_without_beginning_table(self.text[self._begin :]), growing=True))


def _without_beginning_table(text: str) -> str:
    """Return `text` without a last line that would be shown as bars and words, and then as a table."""
    begin = _TABLE_BEGINS.search(text)
    return text[: begin.start(1)] if begin else text


def _end_of_finished_blocks(text: str, begin: int) -> int:
    """Return where the last blank line outside of fences, lists and tables ends.

    A list or an open fence goes on past blank lines, so the break before it is the last safe one.
    """
    end, position, fence, in_list = begin, begin, "", False
    for line in text[begin:].splitlines(keepends=True):
        stripped = line.strip()
        position += len(line)
        if stripped.startswith(("```", "~~~")) and (not fence or stripped.startswith(fence)):
            fence = "" if fence else stripped[:3]
        elif not fence and not stripped and line.endswith("\n") and not in_list:
            end = position
        elif not fence and stripped:
            starts_item = stripped[:2] in ("- ", "* ", "+ ") or stripped.split(" ")[0].rstrip(".)").isdigit()
            in_list = starts_item or (in_list and line[:1] in " \t")
    return end
