"""Exceptions as text without a word of theirs: what they say may quote arguments, tokens or answers."""

import logging
import traceback
from collections.abc import Iterator

_FRAMES = 8


def without_values(error: BaseException) -> str:
    """Return the types of an exception and of those it comes from, each with where it was raised.

    For example `ValueError (prompts.base:183 render) from TypeError (prompts.base:157 render)`.
    """
    return " from ".join(f"{type(each).__name__} ({_where(each)})" for each in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those it comes from."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def drop_values(record: logging.LogRecord) -> bool:
    """Let a record pass; one with an exception says only which function failed, and `without_values`.

    A filter for the loggers of libraries that put what people sent into their messages.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args = "%s failed: %s", (record.funcName, without_values(error))
        record.exc_info = record.exc_text = None
    return True


def _where(error: BaseException) -> str:
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return ", ".join(frames[-_FRAMES:]) or "not raised"
