"""Searches everything that is logged for tokens and secrets, message, arguments and tracebacks included."""

import logging
import re

__all__ = ["SECRETS", "LeakSearch"]

SECRETS = re.compile(
    r"eyJ[\w-]{30,}"  # the beginning of a JWT's header or payload: base64url of {"
    r"|(?<![\w-])[\w-]{20,}\.[\w-]{20,}\.[\w-]{40,}"  # three segments, from a word's beginning on
    r"|(?i:bearer) +(?!realm\b|error\b|scope\b|resource_metadata\b)[\w.~+/-]{20,}"
    r"|local-development-only~[\w-]+"  # the local cloud's client secrets and keys
)

_CHALLENGE = re.compile(r"claims=\"?[\w+/=-]+")
"""A claims challenge, which is base64url of { as well, and no secret."""


class LeakSearch(logging.Handler):
    """Keeps where something secret was logged, and never what."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.searched = 0
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Search one record as it would be printed."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - logging's own way with records that cannot be formatted
            self.handleError(record)
            return
        self.searched += 1
        if SECRETS.search(_CHALLENGE.sub("", text)):
            self.found.append(f"{record.levelname} {record.name} at {record.pathname}:{record.lineno}")
