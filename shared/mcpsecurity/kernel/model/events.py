"""A model's event stream, read from its bytes: events are split here, and only what is needed is decoded."""

import json
from collections.abc import AsyncIterator, Container
from typing import Any

import orjson

__all__ = ["NotAStreamError", "decode", "events_of"]

_MAX_EVENT = 8 * 1024 * 1024
_DONE = b"[DONE]"


class NotAStreamError(Exception):
    """The endpoint answered with 200, and with something else than an event stream."""


async def events_of(
    pieces: AsyncIterator[bytes], unwanted: Container[bytes] = ()
) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the events of each piece that arrives, decoded. Unwanted and unreadable ones are passed over.

    Raises:
        NotAStreamError: what arrives is no event stream, or one event is over 8 MiB.
    """
    rest, checked = b"", False
    async for piece in pieces:
        rest += piece
        if b"\r" in rest and not rest.endswith(b"\r"):
            rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, rest = rest.split(b"\n\n")
        if len(rest) > _MAX_EVENT:
            raise NotAStreamError
        if blocks and not checked:
            checked = _check(blocks[0])
        if events := [event for block in blocks if (event := _event(block, unwanted)) is not None]:
            yield events
    if rest.strip():
        if not checked:
            _check(rest)
        if (event := _event(rest, unwanted)) is not None:
            yield [event]


def _check(block: bytes) -> bool:
    """Return True for the beginning of an event stream.

    Raises:
        NotAStreamError: it is none.
    """
    if not any(line.startswith((b"data", b"event", b":", b"id", b"retry")) for line in block.splitlines()):
        raise NotAStreamError
    return True


def _event(block: bytes, unwanted: Container[bytes]) -> dict[str, Any] | None:
    """Return an event's data, if it is a JSON object."""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:") and line[6:].strip() in unwanted:
            return None
    text = b"\n".join(data)
    if not text or text.strip() == _DONE:
        return None
    found = decode(text)
    return found if isinstance(found, dict) else None


def decode(text: bytes) -> Any:
    """Return a JSON value; halves of surrogate pairs stay as they are. None if it is no JSON."""
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return json.loads(text.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
