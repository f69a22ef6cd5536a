"""Arguments of tools that are repeated in `Mcp-Param-…` headers, where the schema has `x-mcp-header`.

Specification 2026-07-28, transports ("Custom Headers from Tool Parameters"). A proxy that routes by a header
relies on the tool getting the same value.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from multidict import CIMultiDictProxy

from mcpsecurity_server.transport.jsonrpc import Request
from mcpsecurity_server.transport.stateless.request_meta import decode_value, mismatch, one_value

_KEY: Final = "x-mcp-header"
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.0{1,30})?")
_TOOLS_MAX: Final = 1000
_TYPES = frozenset({"string", "integer", "boolean"})


class _Repeated(NamedTuple):
    """An argument by its path, the header it is repeated in, and its type."""

    path: tuple[str, ...]
    header: str
    type: str


class ParameterHeaders:
    """Checks the headers of calls. Caches which arguments a schema repeats in headers."""

    def __init__(self) -> None:
        self._marked: dict[str, tuple[Mapping[str, Any], tuple[_Repeated, ...]]] = {}
        self.unmarked: dict[str, Mapping[str, Any]] = {}
        """The schemas that repeat nothing, by name of the tool: their calls need no check."""

    def check(self, headers: CIMultiDictProxy[str], request: Request, schema: Mapping[str, Any]) -> None:
        """Compare headers and arguments of a call of the tool with this input schema.

        Raises:
            MessageError: an argument and its header are not both there and equal, or both missing (-32020).
        """
        name = request.params["name"]
        known = self._marked.get(name)
        if known is None or known[0] is not schema:
            if len(self._marked) + len(self.unmarked) >= _TOOLS_MAX:  # tools come and go
                self._marked.clear()
                self.unmarked.clear()
            repeated = _repeated(schema)
            if not repeated:
                self.unmarked[name] = schema
                return
            known = self._marked[name] = (schema, repeated)
        arguments = request.params.get("arguments")
        for argument in known[1]:
            _compare(headers, request, argument, _at(arguments, argument.path))


def _compare(headers: CIMultiDictProxy[str], request: Request, repeated: _Repeated, value: Any) -> None:
    sent = one_value(headers, repeated.header, request)
    if value is None and sent is None:
        return
    where = ".".join(repeated.path)
    if value is None:
        raise mismatch(request, f"{repeated.header} is there, {where} is not")
    if sent is None:
        raise mismatch(request, f"{repeated.header} is missing, {where} is there")
    decoded = decode_value(sent)
    if decoded is None or not _equal(repeated.type, value, decoded):
        raise mismatch(request, f"{repeated.header} is not {where} in the body")


def _equal(kind: str, value: Any, sent: str) -> bool:
    """Compare integers as numbers: 42 and 42.0 are equal."""
    if isinstance(value, bool):
        return sent == ("true" if value else "false")
    if kind == "integer" and isinstance(value, int | float) and value == int(value):
        return _DECIMAL.fullmatch(sent) is not None and int(sent.partition(".")[0]) == int(value)
    return isinstance(value, str) and sent == value


def _at(arguments: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(arguments, dict):
            return None
        arguments = arguments.get(key)
    return arguments


def _repeated(schema: Mapping[str, Any]) -> tuple[_Repeated, ...]:
    """Return the repeated arguments of a schema; none if it is malformed: clients ignore such tools."""
    found: list[_Repeated] = []
    waiting: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    while waiting:
        path, node = waiting.pop()
        properties = node.get("properties") if isinstance(node, dict) else None
        for key, child in (properties if isinstance(properties, dict) else {}).items():
            waiting.append(((*path, key), child))
            if isinstance(child, dict) and _KEY in child:
                found.append(_Repeated((*path, key), f"Mcp-Param-{child[_KEY]}", str(child.get("type"))))
    good = all(_TOKEN.fullmatch(r.header) and r.type in _TYPES and r.header != "Mcp-Param-" for r in found)
    unique = len({r.header.lower() for r in found}) == len(found)
    return tuple(found) if good and unique else ()
