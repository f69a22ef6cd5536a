"""A model's event stream, read from its bytes: https://html.spec.whatwg.org/multipage/server-sent-events.html.

Endpoints, their gateways and compatible servers also send events that are no JSON, half a surrogate pair, or
something that is no stream at all.
"""

import json
import re
from collections.abc import Container
from typing import Any

import orjson

from mcpsecurity.kernel.model.errors import NotAStreamError

__all__ = ["EventSplitter", "json_of"]

_MAX_EVENT = 8 * 2**20
_MAX_PREFACE = 2**16
_BOM = b"\xef\xbb\xbf"
_FIELD = re.compile(rb"\s*(data|event|id|retry)?:")


class EventSplitter:
    """Splits a body into the data of its events; those with an `unwanted` name are passed over.

    `empty` tells whether nothing came at all.
    """

    def __init__(self, unwanted: Container[bytes] = ()) -> None:
        self.empty = True
        self._unwanted = unwanted
        self._any = False
        self._rest = b""
        self._preface = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take bytes; return the data of the events that they complete.

        Raises:
            NotAStreamError: there is no event in the first 64 KiB, or one is longer than 8 MiB.
        """
        self.empty = self.empty and not piece
        text = self._rest + piece
        end = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # perhaps the first half of a line's end
                text, end = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, rest = text.split(b"\n\n")
        self._rest = rest + end
        found = [data for block in blocks if (data := self._take(block)) is not None]
        waits_for_event = self._any or _FIELD.match(self._rest)
        if (
            len(self._rest) > (_MAX_EVENT if waits_for_event else _MAX_PREFACE)
            or self._preface > _MAX_PREFACE
        ):
            raise NotAStreamError
        return found

    def end(self) -> list[bytes]:
        """Return the data of an event that nothing ended."""
        data = self._take(self._rest.removesuffix(b"\r"))
        return [] if data is None else [data]

    def _take(self, block: bytes) -> bytes | None:
        """Return the data of a block of lines; None if it has none, or is unwanted."""
        data: list[bytes] = []
        block = block if self._any else block.removeprefix(_BOM)
        for line in block.split(b"\n"):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif line.startswith(b"event:"):
                if line[6:].strip() in self._unwanted:
                    self._any = True
                    return None
            elif not (self._any or line.startswith(b":")):
                self._preface += len(line)
        if not data:
            return None
        self._any = True
        return b"\n".join(data)


def json_of(data: bytes) -> Any:
    """Return a JSON value; halves of surrogate pairs stay as they are. None if it is no JSON."""
    try:
        return orjson.loads(data)
    except ValueError:  # also for half a surrogate pair and numbers beyond 64 bits, which Python's own reads
        try:
            return json.loads(data.decode(errors="replace"))
        except (ValueError, RecursionError):
            return None
