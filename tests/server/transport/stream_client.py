"""Reading an event stream as it comes."""

from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp  # noqa: TC002 - plain imports read best in tests
import orjson

__all__ = ["Seen", "Stream"]


class Seen(NamedTuple):
    """One event: its id, and the message; an event without data has none."""

    id: str | None
    message: Any


class Stream:
    """An event stream that a request answers; use it with `async with`."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.response: aiohttp.ClientResponse
        self.retry: int | None = None

    async def __aenter__(self) -> Self:
        self.response = await self._request.__aenter__()
        assert self.response.content_type == "text/event-stream", await self.response.text()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.response.close()
        await self._request.__aexit__(kind, error, trace)

    async def next(self) -> Seen | None:
        """Return the next event; None at the end. Comments are skipped, `retry` is kept."""
        fields: dict[str, str] = {}
        async for line in self.response.content:
            name, colon, value = line.decode().rstrip("\n").partition(":")
            if not name and not colon:
                if "data" in fields:
                    data = fields["data"]
                    return Seen(fields.get("id"), orjson.loads(data) if data else None)
                if "retry" in fields:
                    self.retry = int(fields["retry"])
                fields = {}
            elif name:
                fields[name] = value.removeprefix(" ")
        return None

    async def message(self) -> Any:
        """Return the next message; priming events are skipped."""
        while (seen := await self.next()) is not None:
            if seen.message is not None:
                return seen.message
        raise EOFError("the stream has ended")

    async def rest(self) -> list[Seen]:
        """Return what comes until the end."""
        events = []
        while (seen := await self.next()) is not None:
            events.append(seen)
        return events
