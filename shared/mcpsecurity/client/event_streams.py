"""Event streams of a server: the answer to one request, and the stream that a GET opens (or `listen`).

This module resumes the broken stream of a request after its last event id. The SDK does so, too, but lets the
caller wait for ever when that fails, when no event had an id, or after a few hundred times.
"""

import asyncio
import codecs
import contextlib
import json
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from mcpsecurity.client.json_rpc import UnreadableAnswerError, parsed, question_of, response_to
from mcpsecurity.client.time_limits import OpenPost
from mcpsecurity.sentences import Sentence

_log = logging.getLogger(__name__)
_ATTEMPTS = 2
"""How often in a row a broken stream is asked for."""
_MAX_IDLE = 100
"""How often in a row it may be resumed without a new event."""
_MIN_RETRY, _MAX_RETRY = 0.02, 300.0
_MAX_ID = 4096
_MAX_ERROR = 10_000
_MAX_EVENT = 64 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True)
class Event:
    """One server-sent event; `fields` are its `id`, `event` and `retry`."""

    fields: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)

    @property
    def retry(self) -> float | None:
        """Seconds to wait before the stream is resumed, within bounds; None if the event does not say."""
        text = self.fields.get("retry", "")
        if not (text.isascii() and text.isdigit()):
            return None
        return min(max(int(text[:9]) / 1000, _MIN_RETRY), _MAX_RETRY)

    @property
    def resumption(self) -> dict[str, str]:
        """The fields that say how the stream is resumed."""
        last_id, retry = self.fields.get("id", ""), self.retry
        named = (
            {"id": last_id} if last_id.isprintable() and last_id.isascii() and len(last_id) <= _MAX_ID else {}
        )
        return named | ({"retry": str(round(retry * 1000))} if retry is not None else {})


class EventReader:
    """Reads server-sent events from the bytes of a stream (WHATWG HTML, 9.2.6), however they are cut.

    A body without any field is one event at its end: some servers call JSON an event stream.

    Raises (from `feed`):
        UnreadableAnswerError: one event is larger than 64 MiB.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
        self._pieces: list[str] = []
        self._size = 0
        self._after_return = False
        self._event = Event()
        self._unnamed: list[str] | None = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that this chunk completes."""
        text = self._decode(chunk)
        if text and self._after_return:
            text, self._after_return = text.removeprefix("\n"), False
        self._size += len(text)
        if self._size > _MAX_EVENT:
            raise UnreadableAnswerError(Sentence("an event that is too large"))
        self._pieces.append(text)
        if "\n" not in text and "\r" not in text:
            return
        self._after_return = text.endswith("\r")  # its line feed may be in the next chunk
        *lines, rest = _LINE_END.split("".join(self._pieces))
        self._pieces = [rest]
        yield from self._lines(lines)

    def rest(self) -> Iterator[Event]:
        """Yield the event that the end of the stream cut off, as if it was complete."""
        yield from self._lines([*_LINE_END.split("".join(self._pieces)), ""])
        self._pieces = []
        if self._unnamed:
            yield Event(data=self._unnamed)

    def _lines(self, lines: list[str]) -> Iterator[Event]:
        for line in lines:
            if line:
                self._take(line)
                continue
            event, self._event, self._size = self._event, Event(), 0
            if event.data or event.fields:
                yield event

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._event.data.append(value.removeprefix("data:"))  # libraries wrap complete events once more
        elif name in ("id", "event", "retry"):
            self._event.fields[name] = value
        elif name and self._unnamed is not None:
            self._unnamed.append(line)
            return
        self._unnamed = None if name else self._unnamed


class RequestStream(httpx.AsyncByteStream):
    """The event stream of one request, up to its answer. When it breaks, it goes on from its last event.

    Args:
        response: has the stream.
        request_id: the id that the answer must have.
        post: ends the stream when the caller of the request leaves.
        resume: asks the server for the events after the one with this id; None if it cannot be asked.
        failed: returns the event that takes the place of an answer that does not come, from what the server
            said in an event called `error`, or "".
        seconds: to wait before going on, when the server does not say how long.
    """

    def __init__(
        self,
        response: httpx.Response,
        request_id: Any,
        post: OpenPost,
        *,
        resume: Callable[[str], Awaitable[httpx.Response]] | None,
        failed: Callable[[str, bool], bytes],
        seconds: float = 1.0,
    ) -> None:
        self._response = response
        self._request_id = request_id
        self._post = post
        self._resume = resume
        self._failed = failed
        self._seconds = seconds
        self._last_id = self._error = ""
        self._idle = 0
        self._broke = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with contextlib.aclosing(self._events()) as events:
            while True:
                try:
                    async with self._post.waiting():
                        event = await anext(events)
                except (StopAsyncIteration, TimeoutError):
                    return
                yield event

    async def _events(self) -> AsyncGenerator[bytes]:
        while True:
            async with contextlib.aclosing(self._messages()) as messages:
                async for message in messages:
                    yield _event(message)
                    if "method" not in message:
                        return
            self._idle += 1
            if self._idle > _MAX_IDLE or not await self._resumed():
                break
        yield self._failed(self._error, self._broke)

    async def aclose(self) -> None:
        """Close the response that the stream comes from."""
        await self._response.aclose()

    async def _messages(self) -> AsyncGenerator[dict[str, Any]]:
        """Yield the messages until the stream ends or breaks."""
        reader = EventReader()
        try:
            async for chunk in self._response.aiter_bytes():
                for event in reader.feed(chunk):
                    if event.fields.get("event") == "endpoint":  # of HTTP+SSE: no answer follows here
                        return
                    self._remember(event)
                    if (message := self._message(event)) is not None:
                        yield message
        except UnreadableAnswerError:
            self._last_id = ""  # it would come again
        except Exception as error:  # noqa: BLE001 - the SDK would leave its caller waiting
            _log.debug("an event stream broke: %s", type(error).__name__)
            self._broke = True
        for event in reader.rest():
            message = self._message(event)
            if message is not None and ("method" not in message or not self._last_id):  # or it comes again
                yield message

    def _message(self, event: Event) -> dict[str, Any] | None:
        message = _message(event)
        if (question := question_of(message)) is not None:
            return question
        try:
            return response_to(self._request_id, message)
        except UnreadableAnswerError:
            if event.fields.get("event") == "error":
                self._error = "\n".join(event.data)[:_MAX_ERROR]
            return None

    def _remember(self, event: Event) -> None:
        last_id = event.fields.get("id", "")
        if last_id not in ("", self._last_id) and "\0" not in last_id and len(last_id) <= _MAX_ID:
            self._last_id, self._idle = last_id, 0
        if (seconds := event.retry) is not None:
            self._seconds = seconds

    async def _resumed(self) -> bool:
        """Ask for the rest of the stream; tell whether it comes."""
        if self._resume is None or not self._last_id:
            return False
        self._broke = True
        await self._response.aclose()
        for _ in range(_ATTEMPTS):
            await asyncio.sleep(self._seconds)
            try:
                response = await self._resume(self._last_id)
            except Exception as error:  # noqa: BLE001 - the SDK would leave its caller waiting
                _log.debug("an event stream was not resumed: %s", type(error).__name__)
                continue
            if is_event_stream(response):
                self._response = response
                return True
            await response.aclose()
        return False


class ListeningStream(httpx.AsyncByteStream):
    """The stream of the server's own messages, with each event made valid for the SDK; `heard` tells whether
    anything still listens to them."""

    def __init__(self, response: httpx.Response, heard: Callable[[], bool] = lambda: True) -> None:
        self._response = response
        self._heard = heard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader = EventReader()
        with contextlib.suppress(UnreadableAnswerError):
            async for chunk in self._response.aiter_bytes():
                for event in reader.feed(chunk):
                    if self._heard():
                        yield _event(question_of(_message(event)), **event.resumption)

    async def aclose(self) -> None:
        """Close the response below."""
        await self._response.aclose()


def is_event_stream(response: httpx.Response) -> bool:
    """Tell whether a response is an event stream."""
    return response.status_code == httpx.codes.OK and content_type(response) == "text/event-stream"


def content_type(response: httpx.Response) -> str:
    """Return the media type of a response; empty without one."""
    value: str = response.headers.get("Content-Type", "")
    return value.partition(";")[0].strip().lower()


def messages_in(body: bytes) -> Any:
    """Return the JSON of a body; of events that are called JSON, a list.

    Raises:
        UnreadableAnswerError: the body has no JSON.
    """
    try:
        return parsed(body)
    except UnreadableAnswerError:
        reader = EventReader()
        events = [*reader.feed(body), *reader.rest()]
        found = [message for event in events if (message := _message(event)) is not None]
        if not found:
            raise
        return found


def _message(event: Event) -> Any:
    """Return the JSON of an event; None without any."""
    if event.fields.get("event", "message") not in ("", "message"):
        return None
    try:
        return parsed("\n".join(event.data))
    except UnreadableAnswerError:
        return None


def _event(message: Any, **fields: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in fields.items()]
    data = "" if message is None else json.dumps(message)
    return "\n".join([*lines, f"data: {data}", "", ""]).encode(errors="replace")
