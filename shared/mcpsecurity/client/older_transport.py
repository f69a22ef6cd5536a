"""Carries a session of the SDK over HTTP+SSE, the transport of revision 2024-11-05.

A GET opens an event stream, by which the server says everything. Its first event names the address that
messages are POSTed to. The end of the stream is the end of the session: open requests fail, and further ones
get a `SessionLostError` without being sent.

The SDK's `sse_client` lets a caller wait for ever whose POST is refused or whose answer cannot be read.
"""

import asyncio
import logging
from collections.abc import AsyncIterable
from contextlib import suppress
from typing import Any, Final

import anyio
import httpx
from mcp import types

from mcpsecurity.client.errors import BridgeError, ServerUnavailableError, SessionLostError
from mcpsecurity.client.event_streams import Event, EventReader, is_event_stream
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.http_errors import METHOD, OF_SESSION, no_mcp, shown, unknown_outcome
from mcpsecurity.client.json_rpc import (
    UnreadableAnswerError,
    error_of,
    is_for,
    parsed,
    question_of,
    response_to,
)
from mcpsecurity.client.sdk_errors import late, session_closed
from mcpsecurity.client.stateless_requests import Hear, Message
from mcpsecurity.sentences import Sentence

_log = logging.getLogger(__name__)
_MAX_ADDRESS: Final = 8192
_CLOSING_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 5.0
"""How long after the end of a stream the answer to a POST may still say that it was not taken."""


class NoOlderTransportError(ServerUnavailableError):
    """A GET did not open a stream of HTTP+SSE."""

    era_is_doubtful = True


class _Open:
    """A request without an answer so far: `posting` is its POST, once begun; `taken`: it was accepted."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.scope = anyio.CancelScope()
        self.posting: httpx.Request | None = None
        self.taken = False

    def end(self, answer: Message) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class OlderWire:
    """Carries the messages of one session. `listen` and `run` never fail: the session hears of what does, by
    `tell`, which gives it a message."""

    def __init__(self, url: str, client: McpHttpClient, tell: Hear) -> None:
        self._url = url
        self._client = client
        self._tell = tell
        self._named: asyncio.Future[httpx.URL | BridgeError] = asyncio.get_running_loop().create_future()
        self._streams = False
        self._ended = False
        self._said = ""
        self._open: dict[types.RequestId, _Open] = {}

    async def address(self) -> httpx.URL:
        """Return the address for messages, once the server has named it.

        Raises:
            NoOlderTransportError: it does not speak HTTP+SSE.
            BridgeError: it refused, or does not answer.
        """
        try:
            async with self._client.limits.limit():
                named = await self._named
        except TimeoutError as error:
            raise self._late() from error
        if isinstance(named, BridgeError):
            raise named
        return named

    async def listen(self) -> None:
        """Read what the server says until its stream ends."""
        failure: BridgeError | None = None
        said = ""
        try:
            response = await self._client.open_stream(self._url)
            try:
                await self._read(response)
            finally:
                with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
                    await response.aclose()
        except BridgeError as error:
            failure = error
            if error.era_is_doubtful and not isinstance(error, NoOlderTransportError):  # a 4xx
                failure = NoOlderTransportError(*error.args)
        except UnreadableAnswerError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 - or the session would wait for ever
            _log.debug("an event stream broke: %s", type(error).__name__)
        self._end(failure, said)

    async def run(self, address: httpx.URL, sent: AsyncIterable[types.JSONRPCMessage]) -> None:
        """Take the session's messages until it is closed."""
        async with anyio.create_task_group() as tasks:
            async for message in sent:
                if isinstance(message.root, types.JSONRPCRequest):
                    opened = self._open[message.root.id] = _Open()
                    if self._ended:
                        self._fail(message.root.id, opened)
                    tasks.start_soon(self._serve, address, message.root, opened)
                elif not self._ended:
                    await self._notify(address, message.root)
            tasks.cancel_scope.cancel()

    def end_request(self, request_id: types.RequestId) -> None:
        """End a request whose caller has left."""
        if (opened := self._open.get(request_id)) is not None:
            opened.scope.cancel()

    async def _read(self, response: httpx.Response) -> None:
        if not is_event_stream(response):
            raise self._no_older_transport()
        self._streams = True
        reader = EventReader()
        async for chunk in response.aiter_bytes():
            for event in reader.feed(chunk):
                if self._named.done():
                    await self._hear(event)
                elif event.data:
                    self._named.set_result(self._address_in(event, response.request.url))

    def _address_in(self, event: Event, stream: httpx.URL) -> httpx.URL:
        """Return the address that the first event names, which has to be of the same origin."""
        if event.fields.get("event") != "endpoint":
            raise self._no_older_transport()
        named = "".join(event.data).strip()
        no_address = Sentence(
            "The MCP server at {url} named something for messages that is not an address.",
            url=shown(self._url),
        )
        if len(named) > _MAX_ADDRESS:
            raise ServerUnavailableError(no_address)
        try:
            address = stream.join(named)
        except (httpx.InvalidURL, ValueError) as error:
            raise ServerUnavailableError(no_address) from error
        if (address.scheme, address.host, address.port) != (stream.scheme, stream.host, stream.port):
            text = Sentence(
                "The MCP server at {url} wants messages at {other}, which is another origin; nothing is sent"
                " there. Is its own address set right?",
                url=shown(self._url),
                other=f"{address.scheme}://{address.netloc.decode()}"[:300],
            )
            raise ServerUnavailableError(text)
        return address.copy_with(userinfo=stream.userinfo, fragment=None)

    def _no_older_transport(self) -> NoOlderTransportError:
        return NoOlderTransportError(
            Sentence("The MCP server at {url} opens no stream of HTTP+SSE.", url=shown(self._url))
        )

    def _late(self) -> ServerUnavailableError:
        seconds = self._client.limits.seconds
        if not self._streams:
            return late(self._url, seconds)
        return ServerUnavailableError(
            Sentence(
                "The MCP server at {url} opened an event stream, but did not say within {seconds} s where it"
                " takes messages, as one with the older transport HTTP+SSE does.",
                url=shown(self._url),
                seconds=f"{seconds:g}",
            )
        )

    async def _hear(self, event: Event) -> None:
        """Pass on the messages of an event.

        Raises:
            UnreadableAnswerError: it is no JSON, but looks like it: an answer could be lost.
        """
        text = "\n".join(event.data).strip()
        if event.fields.get("event", "message") not in ("", "message"):
            return
        if text.startswith(("{", "[")):
            await self._take(parsed(text))

    async def _take(self, found: Any) -> None:
        for message in found if isinstance(found, list) else [found]:
            if (question := question_of(message)) is not None:
                await self._tell(question)
            elif isinstance(message, dict):
                self._take_answer(message)

    def _take_answer(self, message: Message) -> None:
        only = len(self._open) == 1 and message.get("id") is None and error_of(message) is not None
        for request_id, opened in self._open.items():
            if is_for(request_id, message) or only:
                try:
                    opened.end(response_to(request_id, message))
                except UnreadableAnswerError as error:
                    self._fail(request_id, opened, str(error))

    def _fail(self, request_id: types.RequestId, opened: _Open, what: str = "") -> None:
        """Answer a request whose answer is lost, or is `what`."""
        failure: BridgeError
        if opened.posting is None:
            failure = self._lost()
        else:
            failure = no_mcp(opened.posting, what) if what else unknown_outcome(opened.posting)
        opened.end(self._client.error_response(request_id, failure))

    def _lost(self) -> SessionLostError:
        host = httpx.URL(self._url).netloc.decode()
        return SessionLostError(Sentence("The connection to the MCP server at {host} broke.", host=host))

    def _end(self, failure: BridgeError | None, said: str) -> None:
        """End the session; `said` is what its stream had instead of an MCP message, if it was for that."""
        self._ended, self._said = True, said
        if not self._named.done():
            self._named.set_result(failure or self._no_older_transport())
        for request_id, opened in self._open.items():
            if opened.taken or opened.posting is None:
                self._fail(request_id, opened, said)
            else:
                asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._fail, request_id, opened, said)

    async def _serve(self, address: httpx.URL, request: types.JSONRPCRequest, opened: _Open) -> None:
        with opened.scope:
            async with anyio.create_task_group() as tasks:
                try:
                    tasks.start_soon(self._post, address, request, opened)
                    answer = await opened.answer
                finally:
                    del self._open[request.id]
                await self._tell(answer)
                tasks.cancel_scope.deadline = anyio.current_time() + self._client.limits.seconds

    async def _post(self, address: httpx.URL, request: types.JSONRPCRequest, opened: _Open) -> None:
        """POST a request. Some servers answer it here, and not by the stream."""
        if opened.answer.done():
            return
        try:
            opened.posting = self._request(address, request)
            body = await self._client.deliver(opened.posting, request.id)
            with suppress(UnreadableAnswerError):
                opened.end(response_to(request.id, parsed(body)))
            opened.taken = True
            if self._ended:
                self._fail(request.id, opened, self._said)
        except BridgeError as failure:
            opened.end(self._client.error_response(request.id, failure))
        except Exception:  # noqa: BLE001 - or the session would wait for ever
            _log.exception("%s could not be sent", request.method)
            opened.end(self._client.error_response(request.id, session_closed()))

    def _request(self, address: httpx.URL, message: Any) -> httpx.Request:
        content = message.model_dump(by_alias=True, mode="json", exclude_none=True)
        request = self._client.build_request("POST", address, json=content)
        request.extensions |= {METHOD: getattr(message, "method", ""), OF_SESSION: True}
        return request

    async def _notify(self, address: httpx.URL, message: Any) -> None:
        """POST a message that has no answer; the next one waits for that."""
        try:
            async with self._client.limits.limit():
                await self._client.deliver(self._request(address, message))
        except Exception as error:  # noqa: BLE001 - or the session could send nothing more
            reason = error if isinstance(error, BridgeError) else type(error).__name__
            _log.warning("a message did not reach the MCP server: %s", reason)
