"""Colours for code, by Pygments: each token gets a class of one to three letters, as its short names say."""

from functools import cache, lru_cache

from markdown_it.common.utils import escapeHtml
from pygments import highlight  # type: ignore[import-untyped] # Pygments has no types
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

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
