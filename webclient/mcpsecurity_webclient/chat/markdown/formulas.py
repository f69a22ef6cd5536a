"""LaTeX formulas as MathML, which browsers draw and screen readers read."""

import re

import math_core
from markdown_it.common.utils import escapeHtml

_LONGEST = 2000
_STYLE = re.compile(r' style="([^"]*)"')
_ALIGNMENT = re.compile(r"text-align: (left|right)")


_converter = math_core.LatexToMathML(fancy_error=False, max_expansions=100)


def formula(source: str, *, display: bool) -> str:
    """Return MathML; the source as code if it is longer than 2,000 characters or cannot be converted."""
    source = source.strip()
    if len(source) <= _LONGEST:
        try:
            return _STYLE.sub(_class, _converter.convert_with_local_state(source, displaystyle=display))
        except math_core.LatexError:
            pass
    return f"<code>{escapeHtml(source)}</code>"


def _class(style: re.Match[str]) -> str:
    """Say the alignment of a cell by class: the page's policy refuses styles in markup."""
    alignment = _ALIGNMENT.search(style[1])
    return f' class="align-{alignment[1]}"' if alignment else ""
