"""Markdown as HTML: CommonMark with tables, strikethrough, task lists, footnotes, formulas and coloured code.

Raw HTML stays text. Nothing here has to be trusted: `sanitizing` removes everything that is not on its list.
"""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from mdit_py_plugins.texmath import texmath_plugin

from mcpsecurity_webclient.chat.markdown.formulas import formula
from mcpsecurity_webclient.chat.markdown.highlighting import highlighted
from mcpsecurity_webclient.chat.markdown.sanitizing import sanitized
from mcpsecurity_webclient.languages import gettext as _

_CHECKBOX = re.compile(r'<input class="task-list-item-checkbox"[^>]*>')
_ALIGNMENT = re.compile(r"text-align:(left|center|right)")


def to_html(text: str, *, growing: bool = False) -> str:
    """Return Markdown as sanitised HTML. Code of a text that is `growing` has no colours yet: it is rendered
    again with each piece."""
    html = _markdown.render(text, {"growing": growing})
    return sanitized(_CHECKBOX.sub(_tick, html))


def _tick(checkbox: re.Match[str]) -> str:
    done = 'checked="checked"' in checkbox[0]
    return f'<span class="task">{"☑" if done else "☐"}</span>'


def _align_by_class(state: StateCore) -> None:
    """Say the alignment of a table's cells by class: the page's policy refuses styles in markup."""
    for token in state.tokens:
        alignment = _ALIGNMENT.search(str(token.attrs.pop("style", ""))) if token.attrs else None
        if alignment:
            token.attrSet("class", f"align-{alignment[1]}")


def _fence(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    language = token.info.strip().split(" ")[0]
    code = escapeHtml(token.content) if env.get("growing") else highlighted(token.content, language)
    name = f' class="language-{escapeHtml(language)}"' if language else ""
    return f"<pre><code{name}>{code}</code></pre>\n"


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """An image is a link that says what it is: the page loads nothing from other hosts."""
    token = tokens[index]
    alt = renderer.renderInlineAsText(token.children or [], options, env)
    text = _("Image: {text}").replace("{text}", alt) if alt else _("Image")
    return f'<a href="{escapeHtml(str(token.attrs["src"]))}">{escapeHtml(text)}</a>'


def _footnote_reference(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    number = tokens[index].meta["id"] + 1
    return f'<sup class="note-mark ref-{number}"><a href="#note-{number}">{number}</a></sup>'


def _footnote_open(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return f'<li class="note-{tokens[index].meta["id"] + 1}">'


def _footnote_back(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return f' <a href="#ref-{tokens[index].meta["id"] + 1}">↩</a>'


def _formula(display: bool) -> Any:
    def render(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
        return formula(tokens[index].content, display=display)

    return render


def _converter() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    markdown.use(tasklists_plugin)
    markdown.use(footnote_plugin, inline=False)
    markdown.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False)
    markdown.use(texmath_plugin, delimiters="brackets")
    markdown.core.ruler.push("align_by_class", _align_by_class)
    rules = {
        "fence": _fence,
        "image": _image,
        "footnote_ref": _footnote_reference,
        "footnote_block_open": lambda *_: '<section class="notes"><ol>\n',
        "footnote_block_close": lambda *_arguments: "</ol></section>\n",
        "footnote_open": _footnote_open,
        "footnote_close": lambda *_arguments: "</li>\n",
        "footnote_anchor": _footnote_back,
        "math_inline": _formula(display=False),
        "math_inline_double": _formula(display=True),
        "math_block": _formula(display=True),
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    markdown.validateLink = _is_link  # type: ignore[method-assign] # its documented hook
    return markdown


def _is_link(url: str) -> bool:
    return url.lower().startswith(("http://", "https://", "mailto:"))


_markdown = _converter()
