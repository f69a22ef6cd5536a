"""Log lines on stderr that cost little: those of a fiftieth of a second are written at once.

As text for people, or as JSON for programs: one object a line.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from functools import lru_cache
from typing import Any

import orjson

Fields = Callable[[], Mapping[str, str]]
"""Gives fields for a line that is logged now, such as the id of the request that is handled."""

EventFields = Callable[..., Mapping[str, object]]
"""Returns the fields of an event; the field `event` names its kind."""

_WAIT_SECONDS = 0.02
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _escaped(found: re.Match[str]) -> str:
    """Return a control character escaped, so that a value cannot forge a line of the log."""
    return found[0].encode("unicode_escape").decode()


def _indented(text: str) -> str:
    return "\n".join(f"  {_CONTROLS.sub(_escaped, line)}" for line in text.split("\n"))


class LineFormatter(logging.Formatter):
    """Formats a line as `2026-06-01 12:30:00,123 INFO    name: message`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; with an exception or a stack, the lines."""
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        message = record.getMessage()
        if not message.isprintable():
            message = _CONTROLS.sub(_escaped, message)
        return f"{self.formatTime(record)} {record.levelname:<7} {record.name}: {message}"

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return a traceback, indented: its last lines may be a server's, and must not look like ours."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - likewise
        """Return a stack, indented."""
        return _indented(super().formatStack(stack_info))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the first line of several; a traceback follows it."""
        record.message = _CONTROLS.sub(_escaped, record.message)
        return super().formatMessage(record)

    def event_line(self, logger: str, level: str, at: float, fields: Mapping[str, object]) -> str:
        """Return the line of an event."""
        return f"{_local_text(int(at * 1000))} {level:<7} {logger}: {_json(fields)}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Return local time with milliseconds."""
        return _local_text(int(record.created * 1000))


class JsonFormatter(logging.Formatter):
    """Formats a line as a JSON object: `time` (UTC), `level`, `logger`, `message`, what `fields` give, and
    `exception` with its traceback if there is one.

    If `record.event` is a mapping, as in the audit log, its entries take the place of `message` and `fields`.
    """

    def __init__(self, fields: Sequence[Fields] = ()) -> None:
        super().__init__()
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = _head(record.name, record.levelname, record.created)
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

    def event_line(self, logger: str, level: str, at: float, fields: Mapping[str, object]) -> str:
        """Return the line of an event."""
        return _json({**_head(logger, level, at), "message": str(fields.get("event", "")), **fields})


_EVENT_FORMATTERS = (LineFormatter, JsonFormatter)
_Event = tuple[LineFormatter | JsonFormatter, str, int, float, EventFields, tuple[Any, ...]]


class BatchedHandler(logging.StreamHandler):  # type: ignore[type-arg] # generic for the type checker only
    """Writes to stderr, in an event loop a moment later; warnings, and lines from elsewhere, at once."""

    def __init__(self, formatter: logging.Formatter | None = None) -> None:
        super().__init__()
        self.setFormatter(formatter or LineFormatter())
        self._lines: list[str | _Event] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; called with the handler's lock held."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - as logging does: a broken log call must not end its caller
            self.handleError(record)
            return
        self._add(line, record.levelno)

    def take_event(
        self, logger: logging.Logger, level: int, at: float, fields: EventFields, values: tuple[Any, ...]
    ) -> bool:
        """Take the line that a record of the event would give; False if this handler needs the record.

        The line is formatted when it is written: many in a row take a fraction of the time.
        """
        formatter = self.formatter
        if self.filters or level < self.level or not isinstance(formatter, _EVENT_FORMATTERS):
            return False
        self.acquire()
        try:
            self._add((formatter, logger.name, level, at, fields, values), level)
        finally:
            self.release()
        return True

    def flush(self) -> None:
        """Write the lines that wait."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            if lines:
                terminator = self.terminator
                texts = [line if isinstance(line, str) else _event_line(*line) for line in lines]
                self.stream.write(terminator.join(texts) + terminator)
            super().flush()
        finally:
            self.release()

    def _add(self, line: str | _Event, level: int) -> None:
        first = not self._lines
        self._lines.append(line)
        if level >= logging.WARNING:
            self.flush()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if first or loop is not self._loop:
            self._loop = loop
            loop.call_later(_WAIT_SECONDS, self.flush, context=Context())


def log_event(logger: logging.Logger, level: int, at: float, fields: EventFields, *values: Any) -> None:
    """Log an event that happens now, `at` seconds since 1970; `fields(*values)` returns its fields.

    Its record has them as a mapping in `record.event` and as JSON in its message. No record is made if the
    only handler is a `BatchedHandler`, as in a service: it would cost as much as a tool.
    """
    if not logger.isEnabledFor(level):
        return
    handler = _only_handler(logger)
    if handler is None or not handler.take_event(logger, level, at, fields, values):
        event = fields(*values)
        logger.log(level, _json(event), extra={"event": event})


def _event_line(
    formatter: LineFormatter | JsonFormatter,
    logger: str,
    level: int,
    at: float,
    fields: EventFields,
    values: tuple[Any, ...],
) -> str:
    return formatter.event_line(logger, logging.getLevelName(level), at, fields(*values))


def _only_handler(logger: logging.Logger) -> BatchedHandler | None:
    """Return the one handler that records of a logger reach, if it is a `BatchedHandler`; else None."""
    only: logging.Handler | None = None
    node: logging.Logger | None = logger
    while node is not None:
        for handler in node.handlers:
            if only is not None:
                return None
            only = handler
        node = node.parent if node.propagate else None
    return only if isinstance(only, BatchedHandler) and not logger.filters else None


def _head(logger: str, level: str, created: float) -> dict[str, object]:
    return {"time": utc_text(created), "level": level, "logger": logger}


def utc_text(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    return _utc_text(int(seconds * 1000))


# Under load many lines are of the same millisecond.
@lru_cache(maxsize=4)
def _utc_text(milliseconds: int) -> str:
    second, rest = divmod(milliseconds, 1000)
    return f"{_utc_second(second)}.{rest:03d}+00:00"


@lru_cache(maxsize=4)
def _local_text(milliseconds: int) -> str:
    second, rest = divmod(milliseconds, 1000)
    return f"{_local_second(second)},{rest:03d}"


@lru_cache(maxsize=4)
def _utc_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


@lru_cache(maxsize=4)
def _local_second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _json(line: Mapping[str, object]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except orjson.JSONEncodeError:  # text that is not Unicode: bytes of a header come as surrogates
        return json.dumps(line, default=str)
