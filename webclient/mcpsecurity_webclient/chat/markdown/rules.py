r"""Rules of Markdown of our own: formulas in brackets, `\(…\)` and `\[…\]`, tasks in lists, and addresses
of the web that are written as they are.

Those of mdit-py-plugins take time by the square of a text's length: some minutes for a long answer, while all
people wait. Theirs also drop the words behind a formula.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_CLOSING: Final = {"\\(": "\\)", "\\[": "\\]"}
_LONGEST: Final = 5000
"""Characters of a formula; where none ends within them, it is text. So a text takes time by its length."""
_TASK: Final = re.compile(r"\[([ xX])\][ \t\n]+")
_ADDRESS: Final = re.compile(r"\bhttps?://(?=[^\W_])[^\s<>\"`|]{1,2000}", re.IGNORECASE)
_AFTER_ADDRESS: Final = "?!.,:;*_~'’”»"
"""Characters that end a sentence, or stand around an address, rather than belong to it."""


def add_rules(markdown: MarkdownIt) -> None:
    """Add the rules: tokens `math_inline`, `math_inline_double` and `math_block`, `task`, and links."""
    markdown.inline.ruler.before("escape", "brackets", _formula)
    markdown.block.ruler.before("fence", "brackets_block", _formula_block, {"alt": ["paragraph"]})
    markdown.core.ruler.after("inline", "tasks", _tasks)
    markdown.core.ruler.push("addresses", _addresses)


def _formula(state: StateInline, silent: bool) -> bool:
    opening = state.src[state.pos : state.pos + 2]
    closing = _CLOSING.get(opening)
    if closing is None:
        return False
    end = state.src.find(closing, state.pos + 3, min(state.posMax, state.pos + _LONGEST))
    if end < 0:
        return False
    if not silent:
        token = state.push("math_inline" if opening == "\\(" else "math_inline_double", "math", 0)
        token.content, token.markup = state.src[state.pos + 2 : end], opening
    state.pos = end + 2
    return True


def _formula_block(state: StateBlock, begin: int, last: int, silent: bool) -> bool:
    r"""Take lines from one that begins with `\[` to one that ends with `\]`."""
    if state.is_code_block(begin):
        return False
    start = state.bMarks[begin] + state.tShift[begin]
    if not state.src.startswith("\\[", start):
        return False
    end = state.src.find("\\]", start + 3, min(state.eMarks[last - 1], start + _LONGEST))
    if end < 0:
        return False
    line = begin
    while state.eMarks[line] < end:
        line += 1
        if state.sCount[line] < state.blkIndent:  # the list or quotation has ended
            return False
    if state.src[end + 2 : state.eMarks[line]].strip():
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.block, token.content, token.markup = True, state.src[start + 2 : end], "\\["
        token.map = [begin, line + 1]
    state.line = line + 1
    return True


def _tasks(state: StateCore) -> None:
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if (item.type, paragraph.type, inline.type) != ("list_item_open", "paragraph_open", "inline"):
            continue
        found = _TASK.match(inline.content)
        if found is None or not inline.children:
            continue
        box = Token("task", "span", 0)
        box.meta = {"done": found[1] != " "}
        first = inline.children[0]
        first.content = first.content[3:]
        inline.children.insert(0, box)


def _addresses(state: StateCore) -> None:
    for inline in state.tokens:
        if inline.type == "inline" and inline.children and "://" in inline.content:
            inline.children = list(_linked(state, inline.children))


def _linked(state: StateCore, tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield tokens with links in place of the addresses in their texts; a link has no other in it."""
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type in ("link_open", "link_close") else 0
        if inside or token.type != "text":
            yield token
            continue
        done = 0
        for found in _ADDRESS.finditer(token.content):
            address = _without_what_follows(found[0])
            url = state.md.normalizeLink(address)
            if not state.md.validateLink(url):
                continue
            yield _text(token.content[done : found.start()], token.level)
            yield Token("link_open", "a", 1, {"href": url}, level=token.level)
            yield _text(address, token.level + 1)
            yield Token("link_close", "a", -1, level=token.level)
            done = found.start() + len(address)
        yield _text(token.content[done:], token.level)


def _without_what_follows(address: str) -> str:
    """Return an address without the end of its sentence, and without a bracket that was opened before it."""
    while address[-1] in _AFTER_ADDRESS or _has_other_bracket(address):
        address = address[:-1]
    return address


def _has_other_bracket(address: str) -> bool:
    return any(
        address[-1] == end and address.count(end) > address.count(start) for start, end in ("()", "[]")
    )


def _text(content: str, level: int) -> Token:
    return Token("text", "", 0, content=content, level=level)
