"""The tags and attributes that a model's text may have; everything else is removed."""

import re
from typing import Final

import nh3

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
