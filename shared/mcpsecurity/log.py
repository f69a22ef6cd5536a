"""Log lines on stderr that cost little: those of a fiftieth of a second are written at once.

As text for people, or as JSON for programs: one object a line.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence

import orjson

__all__ = ["BatchedHandler", "Fields", "JsonFormatter", "LineFormatter"]

Fields = Callable[[], Mapping[str, str]]
"""Gives fields for a line that is logged now, such as the id of the request that is handled."""

_WAIT_SECONDS = 0.02


class LineFormatter(logging.Formatter):
    """Formats a line as `2026-06-01 12:30:00,123 INFO    name: message`; the time's text lasts a second."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._second = -1
        self._text = ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; with an exception or a stack, the lines."""
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        return f"{self.formatTime(record)} {record.levelname:<7} {record.name}: {record.getMessage()}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Return local time with milliseconds."""
        second = int(record.created)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._text},{int(record.msecs):03d}"


class JsonFormatter(logging.Formatter):
    """Formats a line as a JSON object: `time` (UTC), `level`, `logger`, `message`, what `fields` give, and
    `exception` with its traceback if there is one.

    A record whose attribute `event` is a mapping, such as the audit log's, has its entries side by side with
    those; it knows itself what it belongs to, for it may be written later.
    """

    def __init__(self, fields: Sequence[Fields] = ()) -> None:
        super().__init__()
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": _utc(record.created),
            "level": record.levelname,
            "logger": record.name,
        }
        event = getattr(record, "event", None)
        if isinstance(event, Mapping):
            line |= {"message": str(event.get("event", "")), **event}
        else:
            line["message"] = record.getMessage()
            for fields in self._fields:
                line |= fields()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _json(line)


class BatchedHandler(logging.StreamHandler):  # type: ignore[type-arg] # generic for the type checker only
    """Writes to stderr, in an event loop a moment later; warnings, and lines from elsewhere, at once."""

    def __init__(self, formatter: logging.Formatter | None = None) -> None:
        super().__init__()
        self.setFormatter(formatter or LineFormatter())
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; called with the handler's lock held."""
        try:
            self._lines.append(self.format(record) + self.terminator)
        except Exception:  # noqa: BLE001 - as logging does: a broken log call must not end its caller
            self.handleError(record)
            return
        if record.levelno >= logging.WARNING:
            self.flush()
        else:
            self._flush_soon()

    def flush(self) -> None:
        """Write the lines that wait."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            if lines:
                self.stream.write("".join(lines))
            super().flush()
        finally:
            self.release()

    def _flush_soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if len(self._lines) == 1 or loop is not self._loop:
            self._loop = loop
            loop.call_later(_WAIT_SECONDS, self.flush)


def _utc(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    second = int(seconds)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return f"{text}.{int((seconds - second) * 1000):03d}+00:00"


def _json(line: dict[str, object]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except orjson.JSONEncodeError:  # text that is no Unicode: bytes of a header come as surrogates
        return json.dumps(line, default=str)
