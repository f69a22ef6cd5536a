"""Markdown as HTML: CommonMark with tables, strikethrough, task lists, footnotes, formulas and coloured code.

Raw HTML stays text. Nothing here has to be trusted: `sanitized` removes everything that is not on its list.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from pygments import highlight  # type: ignore[import-untyped] # Pygments has no types
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

from mcpsecurity_webclient.chat.markdown.formulas import formula
from mcpsecurity_webclient.chat.markdown.rules import add_rules
from mcpsecurity_webclient.languages import gettext as _

_ALIGNMENT = re.compile(r"text-align:(left|center|right)")


def to_html(text: str, *, growing: bool = False) -> str:
    """Return Markdown as sanitised HTML. Code of a text that is `growing` has no colours yet: it is rendered
    again with each piece."""
    return sanitized(_markdown.render(text, {"growing": growing}))


def _task(_self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return f'<span class="task">{"☑" if tokens[index].meta["done"] else "☐"}</span>'


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
    markdown.use(footnote_plugin, inline=False)
    markdown.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False)
    add_rules(markdown)
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
        "task": _task,
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    markdown.validateLink = _is_link  # type: ignore[method-assign] # its documented hook
    return markdown


def _is_link(url: str) -> bool:
    return url.lower().startswith(("http://", "https://", "mailto:"))


_markdown = _converter()

PREFIX = "hl-"
_LONGEST = 5000
"""Characters of code; colouring more would hold up the process."""

_LANGUAGES = frozenset({
    "bash", "bat", "c", "c#", "c++", "clojure", "cpp", "cs", "csharp", "css", "csv", "dart", "diff",
    "docker", "dockerfile", "elixir", "erlang", "fortran", "go", "golang", "graphql", "groovy", "haskell",
    "hcl", "html", "http", "ini", "java", "javascript", "js", "json", "json5", "jsx", "julia", "kotlin",
    "latex", "less", "lua", "make", "makefile", "markdown", "matlab", "md", "nginx", "objective-c",
    "ocaml", "perl", "php", "powershell", "properties", "protobuf", "ps1", "py", "pycon", "python",
    "python3", "r", "rb", "rest", "rs", "rst", "ruby", "rust", "sass", "scala", "scheme", "scss", "sh",
    "shell", "sql", "svg", "swift", "terraform", "tex", "toml", "ts", "tsx", "typescript", "vb", "vbnet",
    "vim", "xml", "yaml", "yml", "zig", "zsh",
})  # fmt: skip
"""Names that people give to code. Others are shown without colours."""

_formatter = HtmlFormatter(nowrap=True, classprefix=PREFIX)


@lru_cache(maxsize=256)
def highlighted(code: str, language: str) -> str:
    """Return code as HTML, coloured if its language is known and there are at most 5,000 characters.
    The last ones are remembered: a message is rendered as a whole when it ends."""
    name = language.lower()
    lexer = _lexer(name) if name in _LANGUAGES and len(code) <= _LONGEST else None
    return str(highlight(code, lexer, _formatter)) if lexer else escapeHtml(code)


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


_MATH: Final = {
    "math", "menclose", "merror", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom",
    "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable",
    "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
_TAGS: Final = _MATH | {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
    "p", "pre", "s", "section", "span", "strong", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_MATH_ATTRIBUTES: Final = {
    "accent", "accentunder", "class", "columnalign", "depth", "display", "displaystyle", "fence", "form",
    "height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits",
    "notation", "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width",
}  # fmt: skip
_CLASSES: Final = {
    "code": re.compile(r"language-[A-Za-z0-9+#.-]{1,40}"),
    "li": re.compile(r"note-\d+"),
    "mtd": re.compile(r"align-(left|right)"),
    "section": re.compile(r"notes"),
    "span": re.compile(r"task|hl-[a-z0-9]{1,3}"),
    "sup": re.compile(r"note-mark ref-\d+"),
    "td": re.compile(r"align-(left|center|right)"),
    "th": re.compile(r"align-(left|center|right)"),
}
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "ol": {"start"},
    **{tag: {"class"} for tag in _CLASSES},
    **dict.fromkeys(_MATH, _MATH_ATTRIBUTES),
}
_LINK: Final = re.compile(r"(https?://|mailto:).*|#(note|ref)-\d+", re.IGNORECASE | re.DOTALL)
_MATH_VALUE: Final = re.compile(r"[A-Za-z0-9.%+-]{1,24}")


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value of an attribute, or None to leave the attribute out."""
    if name == "class":
        pattern = _CLASSES.get(tag)
        return value if pattern and pattern.fullmatch(value) else None
    if name == "href":
        return value if _LINK.fullmatch(value) else None
    if tag in _MATH:
        return value if _MATH_VALUE.fullmatch(value) else None
    return value


_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    attribute_filter=_attribute,
)


def sanitized(html: str) -> str:
    """Return HTML with allowed elements and attributes only."""
    return _cleaner.clean(html)
