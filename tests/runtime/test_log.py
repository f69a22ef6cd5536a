"""Log lines: those of a moment are one write, and nothing important waits."""

import asyncio
import io
import logging

from tests.support.eventually import eventually

from mcpsecurity.runtime.log import BatchedHandler, LineFormatter


class Sink(io.StringIO):
    """Counts writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def logger_with(sink: Sink) -> logging.Logger:
    handler = BatchedHandler()
    handler.setStream(sink)
    logger = logging.Logger("name")  # noqa: LOG001 - not one of the process's
    logger.addHandler(handler)
    return logger


async def written(sink: Sink, times: int) -> None:
    await eventually(lambda: sink.writes >= times)
    assert sink.writes == times


async def test_the_lines_of_a_moment_are_written_at_once_and_in_order() -> None:
    sink = Sink()
    logger = logger_with(sink)
    for number in range(3):
        logger.info("line %d", number)
    assert sink.writes == 0
    await written(sink, 1)
    assert [line.rpartition(" ")[2] for line in sink.getvalue().splitlines()] == ["0", "1", "2"]
    logger.info("later")
    await written(sink, 2)


async def test_a_warning_is_written_at_once_with_what_came_before_it() -> None:
    sink = Sink()
    logger = logger_with(sink)
    logger.info("first")
    logger.warning("second")
    assert [line.rpartition(" ")[2] for line in sink.getvalue().splitlines()] == ["first", "second"]


def test_without_an_event_loop_each_line_is_written_at_once() -> None:
    sink = Sink()
    logger_with(sink).info("line")
    assert sink.getvalue().endswith("INFO    name: line\n")


async def test_lines_of_a_thread_do_not_wait_for_the_loop() -> None:
    sink = Sink()
    logger = logger_with(sink)
    await asyncio.to_thread(logger.info, "line")
    assert sink.getvalue().endswith("line\n")


def test_what_waits_is_written_by_the_next_line_after_its_loop_has_ended() -> None:
    sink = Sink()
    logger = logger_with(sink)

    async def log() -> None:
        logger.info("first")

    asyncio.run(log())
    logger.info("second")
    assert "first" in sink.getvalue()
    assert "second" in sink.getvalue()


def test_a_broken_log_call_does_not_end_its_caller(capsys: object) -> None:
    sink = Sink()
    logger = logger_with(sink)
    raise_exceptions, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        logger.info("%d", "no number")
    finally:
        logging.raiseExceptions = raise_exceptions
    logger.info("fine")
    assert sink.getvalue().endswith("fine\n")


def test_the_time_is_local_with_milliseconds() -> None:
    record = logging.LogRecord("n", logging.INFO, "", 0, "m", None, None)
    formatter = LineFormatter()
    expected = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    assert formatter.format(record) == expected.format(record)
    record.created += 61
    assert formatter.format(record) == expected.format(record)
    record.exc_info = (ValueError, ValueError("x"), None)
    assert formatter.format(record) == expected.format(record)


def test_a_line_break_in_a_message_makes_no_second_line() -> None:
    record = logging.LogRecord(
        "n", logging.INFO, "f", 1, "path %s", ("/a\n2026 FORGED\r\x1b[31m\u2028é",), None
    )
    line = LineFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert line.endswith("path /a\\n2026 FORGED\\r\\x1b[31m\\u2028é")
    error = ValueError("why\n2026 FORGED\x1b[31m\u202e")
    record.exc_info = (ValueError, error, None)
    first, *more = LineFormatter().format(record).splitlines()
    assert first.endswith("\\u2028é")
    assert more == ["  ValueError: why", r"  2026 FORGED\x1b[31m\u202e"]
