"""Headers for an MCP server besides the protocol's, such as an API key: what may be sent, and where."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from mcpsecurity.runtime.loopback import is_loopback

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
"""A token, RFC 9110, 5.6.2."""
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")
"""A value, RFC 9110, 5.5, in ASCII."""
_SCHEMES = frozenset({"bearer", "basic", "token", "apikey", "api-key"})
"""Words before a key, which stand alone if the variable with the key is not set."""
_MAX_HEADERS = 32
_MAX_VALUE = 8192
_RESERVED = frozenset(
    {
        *("host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("cookie", "origin", "last-event-id", "range"),
    }
)
_RESERVED_PREFIXES = ("content-", "accept", "mcp-", "proxy-", "if-")
"""Headers of HTTP, of the protocol and of the client itself; cookies belong to a load balancer."""


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers as they are sent, without blanks around the values.

    Raises:
        ValueError: one of them may not be set, or cannot be sent. The message has no value.
    """
    if len(headers) > _MAX_HEADERS:
        raise ValueError(f"these are more than {_MAX_HEADERS} headers")
    checked: dict[str, str] = {}
    for name, given in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError("one of the names is not that of a header")
        _check_name(name, checked)
        checked[name] = _checked_value(name, given.strip())
    return checked


def check_address(url: str) -> None:
    """Check that headers may be sent to this address.

    Raises:
        ValueError: they would cross a network unencrypted.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("headers are sent by https only, or to this machine: write an address with https://")


def _check_name(name: str, others: Mapping[str, str]) -> None:
    lower = name.lower()
    if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES):
        raise ValueError(f"{name} is set by the client itself; remove it")
    if lower in (other.lower() for other in others):
        raise ValueError(f"{name} is there twice")


def _checked_value(name: str, value: str) -> str:
    if not value or value.lower() in _SCHEMES:
        raise ValueError(f"{name} has no key; is the variable set that it names?")
    if len(value) > _MAX_VALUE or not _VALUE.fullmatch(value):
        raise ValueError(f"{name} has a value that a header does not take")
    return value
