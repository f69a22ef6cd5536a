"""Events in the log: the same line, whether a record was made for it or not."""

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mcpsecurity.runtime.log import BatchedHandler, JsonFormatter, LineFormatter, log_event

EVENTS: list[dict[str, Any]] = [
    {"event": "tool_call", "tool": "add", "user": None, "time": "then"},
    {"event": "tool_call", "tool": "ä\n%s", "time": "later"},
]
_LOCAL_TIME = re.compile(r"^\S+ \S+ ", re.MULTILINE)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger that nobody else hears."""
    logger = logging.getLogger("tests.events")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield logger
    logger.handlers.clear()
    logger.filters.clear()


def _written(logger: logging.Logger, formatter: logging.Formatter) -> str:
    handler, stream = BatchedHandler(formatter), io.StringIO()
    handler.setStream(stream)
    logger.addHandler(handler)
    for event in EVENTS:
        log_event(logger, logging.INFO, time.time(), dict, event)
    handler.flush()
    logger.removeHandler(handler)
    return stream.getvalue()


@pytest.mark.parametrize("formatter", [LineFormatter, JsonFormatter])
def test_lines_are_the_same_with_records_and_without(
    logger: logging.Logger, formatter: type[logging.Formatter]
) -> None:
    without = _written(logger, formatter())
    records: list[logging.LogRecord] = []

    def hear(record: logging.LogRecord) -> bool:
        records.append(record)
        return True

    logger.addFilter(hear)
    with_records = _written(logger, formatter())
    assert _LOCAL_TIME.sub("", with_records) == _LOCAL_TIME.sub("", without)
    assert without.count("\n") == len(records) == len(EVENTS)
    assert [record.__dict__["event"] for record in records] == EVENTS
    assert [json.loads(record.getMessage()) for record in records] == EVENTS


def test_every_handler_gets_events(logger: logging.Logger) -> None:
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    assert '"tool":"add"' in _written(logger, LineFormatter())
    assert stream.getvalue().count("tool_call") == len(EVENTS)


def test_a_level_that_is_off_stays_off(logger: logging.Logger) -> None:
    logger.setLevel(logging.WARNING)
    assert _written(logger, LineFormatter()) == ""
