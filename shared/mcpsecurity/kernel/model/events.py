"""A model's event stream, read from its bytes: https://html.spec.whatwg.org/multipage/server-sent-events.html.

Endpoints, their gateways and compatible servers also send events that are no JSON, half a surrogate pair, or
something that is no stream at all.
"""

import re
from collections.abc import Container
from typing import Any

import orjson

from mcpsecurity.kernel.model.errors import NotAStreamError
from mcpsecurity.runtime.exact_decimals import loads

_MAX_EVENT = 8 * 2**20
_MAX_PREFACE = 2**16
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"[\r\n]")
_FIELD = re.compile(rb"\s*(data|event|id|retry)?:")


class EventSplitter:
    """Splits a body into the data of its events; those with an `unwanted` name are passed over.

    `empty` tells whether nothing came at all; `unnamed` are the lines before the first event that belong to
    none: of a body that is no stream, all.
    """

    def __init__(self, unwanted: Container[bytes] = ()) -> None:
        self.empty = True
        self.unnamed: list[bytes] = []
        self._unwanted = unwanted
        self._any = False
        self._waiting: list[bytes] = []
        self._length = 0
        self._preface = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take bytes; return the data of the events that they complete.

        Raises:
            NotAStreamError: there is no event in the first 64 KiB, or one is longer than 8 MiB.
        """
        self.empty = self.empty and not piece
        self._wait(piece)
        if self._is_within_line(piece):
            return []  # its pieces are joined once, when the line ends, however small they are
        text, end = self._joined(), b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # perhaps the first half of a line's end
                text, end = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, rest = text.split(b"\n\n")
        found = [data for block in blocks if (data := self._take(block)) is not None]
        self._wait(rest + end)
        waits_for_event = self._any or _FIELD.match(rest)
        if self._length > (_MAX_EVENT if waits_for_event else _MAX_PREFACE) or self._preface > _MAX_PREFACE:
            raise NotAStreamError
        return found

    def _is_within_line(self, piece: bytes) -> bool:
        """Tell whether a piece only adds to a line of an event, which is not too long yet."""
        if len(self._waiting) < 2 or self._length > _MAX_EVENT or _LINE_END.search(piece):
            return False
        is_event = self._any or _FIELD.match(self._waiting[0]) is not None
        return is_event and not self._waiting[-2].endswith(b"\r")

    def _wait(self, piece: bytes) -> None:
        if piece:
            self._waiting.append(piece)
            self._length += len(piece)

    def _joined(self) -> bytes:
        """Return the lines of the unfinished event, and forget them."""
        text = b"".join(self._waiting)
        self._waiting, self._length = [], 0
        return text

    def end(self) -> list[bytes]:
        """Return the data of an event that nothing ended."""
        data = self._take(self._joined().removesuffix(b"\r"))
        return [] if data is None else [data]

    def _take(self, block: bytes) -> bytes | None:
        """Return the data of a block of lines; None if it has none, or is unwanted."""
        data: list[bytes] = []
        block = block if self._any else block.removeprefix(_BOM)
        for line in block.split(b"\n"):
            if line.startswith(b"data:"):
                value = line[5:].removeprefix(b" ")
                if value.startswith(b"data:"):  # proxies wrap complete events once more
                    value = value[5:].removeprefix(b" ")
                data.append(value)
            elif line.startswith(b"event:"):
                if line[6:].strip() in self._unwanted:
                    self._any = True
                    return None
            elif not (self._any or line.startswith(b":")):
                self._preface += len(line)
                self.unnamed += [line] if line.strip() else []
        if not data:
            return None
        self._any = True
        return b"\n".join(data)


def json_of(data: bytes) -> Any:
    """Return a JSON value; halves of surrogate pairs stay as they are. None if it is no JSON.

    A number may be the double next to it: see `as_written`.
    """
    try:
        return orjson.loads(data)
    except ValueError:  # also for half a surrogate pair, which Python's own reads
        try:
            return _exactly(data)
        except (ValueError, RecursionError):
            return None


def as_written(part: Any, event: Any, data: bytes) -> Any:
    """Return a part of an event that `json_of` made of data, with all digits of its numbers.

    Most events have no numbers whose digits count, so only this reads them a second time.
    """
    try:
        pairs = [(event, _exactly(data))]
    except RecursionError:
        return part
    for read, exact in pairs:
        if read is part:
            return exact
        if isinstance(read, dict):
            pairs += [(value, exact[name]) for name, value in read.items()]
        elif isinstance(read, list):
            pairs += zip(read, exact, strict=True)
    return part


def _exactly(data: bytes) -> Any:
    return loads(data.decode(errors="replace"))
