"""Renders a model's Markdown as safe HTML, also while the text is still growing.

markdown-it-py renders without raw HTML; nh3 removes everything that is not on a short list. A finished block
is rendered once; only the last block is rendered again when text is added.
"""

from dataclasses import dataclass

import nh3
from markdown_it import MarkdownIt

__all__ = ["MarkdownStream", "Piece", "to_html"]

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)
_markdown.validateLink = lambda url: url.lower().startswith(("http://", "https://", "mailto:"))  # type: ignore[method-assign] # its documented hook


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "code" and name == "class":
        return value if value.startswith("language-") and value[9:].replace("-", "").isalnum() else None
    return value


_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    url_schemes=_SCHEMES,
    link_rel="noopener noreferrer nofollow",
    attribute_filter=_attribute,
)


def to_html(text: str) -> str:
    """Return Markdown as sanitised HTML; images are left as their text."""
    return _cleaner.clean(_markdown.render(text))


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

    def add(self, text: str) -> Piece:
        """Add text and return the change."""
        self.text += text
        end = _end_of_finished_blocks(self.text, self._begin)
        stable = ""
        if end > self._begin:
            stable = to_html(self.text[self._begin : end])
            self._begin = end
            self.stable_html += stable
        return Piece(stable, to_html(self.text[self._begin :]))


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
