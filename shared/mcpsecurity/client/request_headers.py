"""Headers that repeat parts of a request of revision 2026-07-28, so that proxies can route by them.

Specification 2026-07-28, basic/transports/streamable-http ("Request Metadata"). A tool names arguments that
are repeated, too, by `x-mcp-header` in its input schema.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from mcpsecurity.runtime.exact_decimals import unpacked

_KEY: Final = "x-mcp-header"
_NAMES: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")  # RFC 9110, section 5.6.2
_TYPES: Final = frozenset({"string", "integer", "boolean"})
_PLAIN = re.compile(r"[\x20-\x7e]*")
_ENCODED = re.compile(r"=\?base64\?.*\?=")
_SCHEMAS: Final = frozenset(
    {"items", "contains", "unevaluatedItems", "additionalProperties", "propertyNames"}
    | {"unevaluatedProperties", "not", "if", "then", "else", "contentSchema"}
)
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS: Final = frozenset({"patternProperties", "dependentSchemas", "$defs", "definitions"})

Path = tuple[str, ...]


class RepeatedArgument(NamedTuple):
    """An argument by its path, and the name of the header that repeats it."""

    path: Path
    header: str


class InvalidToolError(ValueError):
    """A tool's `x-mcp-header` breaks a rule of the specification, which has clients ignore the tool."""


def request_headers(version: str, method: str, params: dict[str, Any]) -> dict[str, str]:
    """Return the headers of a request."""
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": method}
    if (key := _NAMES.get(method)) is not None:
        headers["Mcp-Name"] = _encoded(str(params[key]))
    return headers


def argument_headers(repeated: tuple[RepeatedArgument, ...], arguments: Any) -> dict[str, str]:
    """Return the headers for the arguments of a call that are there and not null."""
    headers = {}
    for argument in repeated:
        if (text := _text(unpacked(_at(arguments, argument.path)))) is not None:  # of a mark the number
            headers[argument.header] = _encoded(text)
    return headers


def repeated_arguments(schema: Any) -> tuple[RepeatedArgument, ...]:
    """Return the arguments that an input schema has repeated.

    Raises:
        InvalidToolError: the name of a header is not a token or not unique, or the argument is not a string,
            integer or boolean, or cannot be reached by `properties` alone.
    """
    found: dict[str, RepeatedArgument] = {}
    for path, node in _schemas(schema):
        if _KEY not in node:
            continue
        name, kind = node[_KEY], node.get("type")
        if not path:
            raise InvalidToolError(f"{_KEY} stands where no property is")
        if not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
            raise InvalidToolError(f"{_KEY} of {path[-1][:64]} is not the name of a header")
        if not isinstance(kind, str) or kind not in _TYPES:
            raise InvalidToolError(f"{_KEY} of {path[-1][:64]}, which is no string, integer or boolean")
        if name.lower() in found:
            raise InvalidToolError(f"{_KEY} {name} is there twice")
        found[name.lower()] = RepeatedArgument(path, f"Mcp-Param-{name}")
    return tuple(found.values())


def _schemas(root: Any) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """Yield the schemas in a schema, each with the properties that lead to it; None if other keywords do."""
    waiting: list[tuple[Path | None, Any]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        yield path, node
        for key, inner in node.items():
            if key == "properties" and isinstance(inner, dict):
                waiting += [
                    ((*path, name) if path is not None else None, child) for name, child in inner.items()
                ]
            elif key in _SCHEMAS:
                waiting.append((None, inner))
            elif key in _LISTS and isinstance(inner, list):
                waiting += [(None, child) for child in inner]
            elif key in _MAPS and isinstance(inner, dict):
                waiting += [(None, child) for child in inner.values()]


def _at(value: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _text(value: Any) -> str | None:
    """Return a value as a header has it; None for one that no header can have."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return str(value) if isinstance(value, str | int) else None
    except ValueError:  # more digits than Python writes
        return None


def _encoded(value: str) -> str:
    """Return a value as it is, or in base64 if it would not survive in a header."""
    if _PLAIN.fullmatch(value) and value == value.strip() and not _ENCODED.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode(errors='replace')).decode()}?="
