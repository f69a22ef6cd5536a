"""The body of a response, read into an answer until it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Mapping
from contextlib import suppress
from typing import Any

from mcpsecurity.kernel.model.answer import Answer
from mcpsecurity.kernel.model.errors import BrokenOffError, NotAStreamError, ProviderError
from mcpsecurity.kernel.model.events import EventSplitter, json_of

__all__ = ["read_body", "read_events"]

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
        BrokenOffError: the body ended before the answer did.
        NotAStreamError: nothing in it is an event of a model.
        ProviderError: the endpoint ended it with an error.
    """
    events, done = EventSplitter(unwanted), False
    async for piece in body:
        found = events.feed(piece)
        try:
            done = read_events(found, read, answer)
        except ProviderError:
            yield  # what came before it
            raise
        if done:
            await _drain(body)
            break
        if found:
            yield
    else:
        done = read_events(events.end(), read, answer)
    answer.end()
    yield
    if answer.parts == 0 and not events.empty and not (done and answer.unreadable == 0):
        raise NotAStreamError
    if not done and answer.finish is None:
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
            answer.unreadable += 1
            continue
        answer.parts, answer.event = answer.parts + 1, (event, data)
        read(event, answer)
        if answer.full or answer.ended:
            return True
    return False


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read what comes after the end, so that the connection can be used again; if it does not come, it
    cannot."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in body:
                pass
