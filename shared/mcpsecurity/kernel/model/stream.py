"""The body of a response, read into an answer until it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import suppress
from typing import Any

from mcpsecurity.kernel.model.answer import Answer
from mcpsecurity.kernel.model.errors import BrokenOffError, NotAStreamError, ProviderError
from mcpsecurity.kernel.model.events import EventSplitter, json_of
from mcpsecurity.model_error import error_in

_DONE = b"[DONE]"
_DRAIN_SECONDS = 0.1


async def read_body(
    body: AsyncIterator[bytes],
    read: Callable[[Mapping[str, Any], Answer], None],
    unwanted: Container[bytes],
    answer: Answer,
) -> AsyncIterator[None]:
    """Fill an answer from a body; yield after each piece that brought events, and at the end.

    Raises:
        BrokenOffError: the body ended after the beginning of the answer and before its end.
        NotAStreamError: nothing in it is an event of a model, nor is the whole body an answer.
        ProviderError: the endpoint ended it with an error.
    """
    events, done = EventSplitter(unwanted), False
    async for piece in body:
        found = events.feed(piece)
        try:
            done = read_events(found, read, answer)
        except ProviderError:
            yield  # the bytes before it
            raise
        if done:
            await _drain(body)
            break
        if found:
            yield
    else:
        done = read_events(events.end(), read, answer)
        if answer.parts == answer.unreadable == 0 and events.unnamed:
            _read_whole(b"\n".join(events.unnamed), read, answer)
            done = True
    answer.end()
    yield
    if answer.parts == 0 and answer.unreadable:
        raise NotAStreamError
    if not done and answer.finish is None and answer.begun:
        raise BrokenOffError("the stream ended before the answer did")


def read_events(
    found: list[bytes], read: Callable[[Mapping[str, Any], Answer], None], answer: Answer
) -> bool:
    """Add events to an answer. True if it has ended.

    Raises:
        ProviderError: one is an error.
    """
    for data in found:
        event = json_of(data)
        if not isinstance(event, dict):
            if data.startswith(_DONE):
                return True
            lines = data.split(b"\n")
            if len(lines) == 1:
                answer.unreadable += 1
            elif read_events(lines, read, answer):  # events without blank lines between them
                return True
            continue
        answer.parts, answer.event = answer.parts + 1, (event, data)
        read(event, answer)
        if answer.full or answer.ended:
            return True
    return False


def _read_whole(body: bytes, read: Callable[[Mapping[str, Any], Answer], None], answer: Answer) -> None:
    """Fill an answer from a body that is no stream: some gateways send the whole answer at once.

    Raises:
        NotAStreamError: it is no answer.
    """
    value = json_of(body)
    if not (isinstance(value, dict) and (value.get("choices") or value.get("output"))):
        raise NotAStreamError(error_in(value))
    read_events([body], read, answer)


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read the rest after the end, so that the connection can be used again; if it does not come, it
    cannot."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in body:
                pass
