"""The lines that a service would write to its log, as they stand there."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mcpsecurity.runtime.log import BatchedHandler

__all__ = ["logged_lines"]


@contextmanager
def logged_lines() -> Iterator[io.StringIO]:
    """Yield a stream that has every line from DEBUG on."""
    handler, stream = BatchedHandler(), io.StringIO()
    handler.setStream(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
        handler.flush()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
