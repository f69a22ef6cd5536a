"""Event streams that break while a call runs.

The SDK resumes the stream of a request by its last event id, a few times. When that does not succeed, or when
no event had an id, the SDK leaves the caller waiting for the answer. Here an error event ends the wait.
"""

import codecs
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from mcpsecurity.bridge.answers import UnreadableAnswerError, parsed, response_to

__all__ = ["EventReader", "Resumptions", "WatchedStream"]

_MAX_KNOWN = 1000
_MAX_EVENT = 64 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\n|\r")


class Resumptions:
    """How often the resumption of each broken stream has failed; `attempts` is how often the SDK tries."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._failed: dict[str, int] = {}

    def broke(self, last_id: str) -> None:
        """Record that a request's stream has ended after this event, without the answer."""
        while len(self._failed) >= _MAX_KNOWN:
            del self._failed[next(iter(self._failed))]
        self._failed[last_id] = 0

    def concern(self, last_id: str | None) -> bool:
        """Tell whether an event id is the last one of a request's stream that broke."""
        return last_id in self._failed

    def is_over(self, last_id: str) -> bool:
        """Count a failed attempt; tell whether it was the last."""
        self._failed[last_id] = self._failed.get(last_id, 0) + 1
        over = self._failed[last_id] >= self._attempts
        if over:
            del self._failed[last_id]
        return over

    def succeeded(self, last_id: str) -> None:
        """Forget the failures of a stream that goes on."""
        self._failed.pop(last_id, None)


@dataclass(slots=True)
class Event:
    """One server-sent event; `fields` are its `id`, `event` and `retry`."""

    fields: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)


class EventReader:
    """Reads server-sent events from the bytes of a stream (WHATWG HTML, 9.2.6), however they are cut.

    Raises (from `feed`):
        UnreadableAnswerError: one event is larger than 64 MiB.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
        self._pieces: list[str] = []
        self._size = 0
        self._event = Event()

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that this chunk completes."""
        text = self._decode(chunk)
        self._size += len(text)
        if self._size > _MAX_EVENT:
            raise UnreadableAnswerError("an event that is too large")
        self._pieces.append(text)
        if "\n" not in text and "\r" not in text:
            return
        text = "".join(self._pieces)
        held = text.endswith("\r")  # its line feed may be in the next chunk
        *lines, rest = _LINE_END.split(text[:-1] if held else text)
        self._pieces = [rest + "\r" if held else rest]
        yield from self._lines(lines)

    def rest(self) -> Iterator[Event]:
        """Yield the event that the stream ended in, as if it was whole."""
        yield from self._lines([*_LINE_END.split("".join(self._pieces)), ""])
        self._pieces = []

    def _lines(self, lines: list[str]) -> Iterator[Event]:
        for line in lines:
            if line:
                self._take(line)
            elif self._event.data or self._event.fields:
                event, self._event, self._size = self._event, Event(), 0
                yield event

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._event.data.append(value)
        elif name in ("id", "event", "retry"):
            self._event.fields[name] = value


class WatchedStream(httpx.AsyncByteStream):
    """A request's event stream, each event made readable for the SDK.

    When the stream ends without the answer, it `broke` after the last event with an id, or, if there was
    none, ends with the event that `failed` returns. `request_id` is the id that the answer must have; None
    in a resumed stream, where the SDK sets it. `last_id` is the event that a resumed stream goes on from.
    """

    def __init__(
        self,
        stream: AsyncIterator[bytes],
        *,
        close: Callable[[], Any],
        broke: Callable[[str], None],
        failed: Callable[[], bytes],
        request_id: Any = None,
        last_id: str = "",
    ) -> None:
        self._stream = stream
        self._close = close
        self._broke = broke
        self._failed = failed
        self._request_id = request_id
        self._last_id = last_id

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader = EventReader()
        try:
            async for chunk in self._stream:
                for event in reader.feed(chunk):
                    yield self._readable(event)
        except (httpx.HTTPError, httpx.StreamError, UnreadableAnswerError):
            # An end like any other: for an error in a resumed stream the SDK would count an attempt more than
            # is counted here, and go on from an older event.
            pass
        if not self._last_id:
            for event in reader.rest():
                event.fields.pop("id", None)
                yield self._readable(event)
        if self._last_id:
            self._broke(self._last_id)
        else:
            yield self._failed()

    async def aclose(self) -> None:
        """Close the response below."""
        await self._close()

    def _readable(self, event: Event) -> bytes:
        """Return an event whose message the SDK can read, or one without a message."""
        fields = {k: v for k, v in event.fields.items() if k != "retry" or (v.isascii() and v.isdigit())}
        if "\0" in fields.get("id", ""):
            del fields["id"]
        if fields.get("id"):
            self._last_id = fields["id"]
        data = "\n".join(event.data)
        data = self._message(data) if fields.get("event", "message") in ("", "message") else ""
        lines = [f"{name}: {value}" for name, value in fields.items()]
        return "\n".join([*lines, f"data: {data}", "", ""]).encode(errors="replace")

    def _message(self, data: str) -> str:
        if not data:
            return ""
        try:
            message = parsed(data)
            if isinstance(message, dict) and "method" in message:
                return json.dumps(message)
            theirs = message.get("id") if isinstance(message, dict) else None
            wanted = self._request_id if self._request_id is not None else theirs if theirs is not None else 0
            return json.dumps(response_to(wanted, message))
        except UnreadableAnswerError:
            return ""
