"""Event streams that break while a call runs.

The SDK resumes the stream of a request by its last event id, a few times. When that does not succeed, or when
no event had an id, it leaves whoever waits for the answer waiting. Here an error event ends the wait instead.
"""

from collections.abc import AsyncIterator, Callable

import httpx

__all__ = ["Resumptions", "WatchedStream"]

_MAX_KNOWN = 1000
_LONGEST_ID = 1024


class Resumptions:
    """How often the resumption of each broken stream has failed; `attempts` is how often the SDK tries."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._failed: dict[str, int] = {}

    def broke(self, last_id: str) -> None:
        """Take down that a request's stream has ended after this event, without the answer."""
        while len(self._failed) >= _MAX_KNOWN:
            del self._failed[next(iter(self._failed))]
        self._failed[last_id] = 0

    def concern(self, last_id: str | None) -> bool:
        """Tell whether an event id is the last one of a request's stream that broke."""
        return last_id in self._failed

    def is_over(self, last_id: str) -> bool:
        """Count a failed attempt; tell whether it was the last."""
        self._failed[last_id] += 1
        over = self._failed[last_id] >= self._attempts
        if over:
            del self._failed[last_id]
        return over

    def succeeded(self, last_id: str) -> None:
        """Forget the failures of a stream that goes on."""
        self._failed.pop(last_id, None)


class WatchedStream(httpx.AsyncByteStream):
    """A request's event stream, as it comes.

    Whoever reads it to the end has not found the answer in it: then it `broke` after the last event with
    an id, or, without one, ends with what `failed` returns. `last_id` is the event that it goes on from.
    """

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        *,
        broke: Callable[[str], None],
        failed: Callable[[], bytes],
        last_id: str = "",
    ) -> None:
        self._stream = stream
        self._broke = broke
        self._failed = failed
        self._last_id = last_id
        self._rest = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._look(chunk)
                yield chunk
        except httpx.TransportError:
            # An end like any other: for an error in a resumed stream the SDK would count an attempt more than
            # is counted here, and go on from an older event.
            pass
        if self._last_id:
            self._broke(self._last_id)
        else:
            yield self._failed()

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    def _look(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"id:"):
                self._last_id = line[3:].strip().decode(errors="replace")
        self._rest = rest[:_LONGEST_ID]  # of a long line of data only that it is none with an id
