"""Log lines on stderr that cost little: those of one turn of the event loop are written at once."""

import asyncio
import logging
import time

__all__ = ["BatchedHandler", "LineFormatter"]


class LineFormatter(logging.Formatter):
    """Formats the time once a second, and what differs within it for each line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._second = -1
        self._text = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Return local time like `2026-06-01 12:30:00,123`."""
        second = int(record.created)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._text},{int(record.msecs):03d}"


class BatchedHandler(logging.StreamHandler):  # type: ignore[type-arg] # generic for the type checker only
    """Writes to stderr, at the end of the event loop's turn; warnings, and lines from elsewhere, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(LineFormatter())
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
            loop.call_soon(self.flush)
