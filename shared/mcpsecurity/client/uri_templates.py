"""Addresses with places for values: URI templates (RFC 6570), as resource templates have them."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

_EXPRESSION = re.compile(r"\{([+#./;?&]?)([A-Za-z0-9_.,:*]{1,256})\}")
_MODIFIER = re.compile(r"(?::([0-9]{1,4})|\*)$")
_FORMS: Final = {
    "": ("", ",", False),
    "+": ("", ",", False),
    "#": ("#", ",", False),
    ".": (".", ".", False),
    "/": ("/", "/", False),
    ";": (";", ";", True),
    "?": ("?", "&", True),
    "&": ("&", "&", True),
}
"""By the operator of an expression: what precedes the values, what separates them, and whether a value has
its name before it."""
_RESERVED: Final = ":/?#[]@!$&'()*+,;=%"


def variables(template: str) -> list[str]:
    """Return the names of a template's variables, in order, each once."""
    found = (name for _, names in _EXPRESSION.findall(template) for name in names.split(","))
    return [name for name in dict.fromkeys(_MODIFIER.sub("", name) for name in found) if name]


def optional_variables(template: str) -> set[str]:
    """Return the names of the variables of queries, which leave out a value that is not given."""
    return {
        name
        for expression in _EXPRESSION.finditer(template)
        if expression[1] in ("?", "&")
        for name in variables(expression[0])
    }


def expanded(template: str, values: Mapping[str, str]) -> str:
    """Return the address that a template makes of values. Empty ones are left out."""
    return _EXPRESSION.sub(lambda found: _expression(found[1], found[2].split(","), values), template)


def _expression(operator: str, names: list[str], values: Mapping[str, str]) -> str:
    before, between, named = _FORMS[operator]
    parts = []
    for variable in names:
        name, modifier = _MODIFIER.sub("", variable), _MODIFIER.search(variable)
        value = values.get(name, "")
        if modifier is not None and modifier[1]:
            value = value[: int(modifier[1])]
        if value:
            encoded = _encoded(value, operator)
            parts.append(f"{name}={encoded}" if named else encoded)
    return before + between.join(parts) if parts else ""


def _encoded(value: str, operator: str) -> str:
    """Return a value as a part of an address. After `+` and `#` it keeps the marks that those are made of."""
    if operator in ("+", "#"):
        return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(value, safe=_RESERVED, errors="replace"))
    return quote(value, safe="", errors="replace")
