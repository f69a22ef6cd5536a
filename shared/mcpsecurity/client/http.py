"""The HTTP client below the SDK's transport.

The SDK waits for ever for an answer that it cannot parse, and closes its whole connection when a POST is
refused. Here every POST of a request ends with a JSON-RPC response for its id: the response of the server, or
an error with the key of a typed failure, which `pop_failure` returns. No request is sent twice, except to the
same origin after a redirect, and by `TokenAuth` after a 401.
"""

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import httpx
from mcp import types

from mcpsecurity.client.errors import BridgeError, ServerUnavailableError
from mcpsecurity.client.event_streams import (
    ListeningStream,
    RequestStream,
    content_type,
    is_event_stream,
    messages_in,
)
from mcpsecurity.client.http_errors import (
    METHOD,
    in_doubt,
    no_mcp,
    not_sent,
    reason_in,
    refusal_of,
    unknown_outcome,
)
from mcpsecurity.client.json_rpc import UnreadableAnswerError, response_to
from mcpsecurity.client.refused_bodies import MAX_REFUSAL, cut_refusal
from mcpsecurity.client.time_limits import OpenPost, TimeLimits
from mcpsecurity.runtime.exact_decimals import unmarked
from mcpsecurity.sentences import Sentence

FAILURE_CODE = -32050
"""JSON-RPC code of the error responses made here; `data` is the key of the failure for `pop_failure`."""

_log = logging.getLogger(__name__)
_MAX_REDIRECTS = 5
_MAX_BODY = 64 * 1024 * 1024
_MAX_FAILURES = 1000
_MAX_SESSION_ID = 8192
_SENDABLE = re.compile(r"[!-~]([ -~]*[!-~])?")
"""A value of a header, RFC 9110, 5.5; two session ids are one with a comma."""
_GOODBYE_SECONDS = 5.0
_GREETINGS = ("initialize", "server/discover")
_UNTYPED = ("", "application/octet-stream")
_SESSION_HEADERS = (b"mcp-session-id", b"mcp-protocol-version")


class McpHttpClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose failed POSTs look answered. `pop_failure` gives the typed reason.

    `limits` has the seconds that the body of an answer that has begun may take, streams apart. A message that
    is not a request may take as long in all, for the SDK sends nothing else meanwhile.
    """

    def __init__(self, limits: TimeLimits, **options: Any) -> None:
        super().__init__(event_hooks={"response": [cut_refusal]}, **options)
        self.limits = limits
        self._failures: dict[str, BridgeError] = {}
        self._open: WeakValueDictionary[types.RequestId, OpenPost] = WeakValueDictionary()
        self._heard = True

    def pop_failure(self, key: Any) -> BridgeError | None:
        """Return and forget the failure that an error response's `data` stands for."""
        return self._failures.pop(key, None) if isinstance(key, str) else None

    def failure(self, key: Any) -> BridgeError | None:
        """Return the failure that an error response's `data` stands for."""
        return self._failures.get(key) if isinstance(key, str) else None

    def end_post(self, request_id: types.RequestId) -> None:
        """End the POST of a request whose caller has left, and free its connection."""
        if (post := self._open.get(request_id)) is not None:
            post.end()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Pass on what the server sends while the body runs; nothing afterwards, for the SDK logs a message
        that comes after the end of its session as an error."""
        self._heard = True
        try:
            yield
        finally:
            self._heard = False
            for post in list(self._open.values()):
                post.end()

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """Build a request; values `marked` in its JSON become numbers (`exact_decimals`)."""
        request = super().build_request(method, url, **options)
        exact = unmarked(request.read())
        if exact == request.content:
            return request
        return super().build_request(method, url, **{**options, "json": None, "content": exact})

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send; a POST always ends in status 200 or 202."""
        if request.method == "POST":
            return await self._posted(request, **options)
        if request.method == "GET":
            response = await super().send(request, **options)
            if is_event_stream(response):
                return _made(response, stream=ListeningStream(response, lambda: self._heard))
            return response
        return await self._said_goodbye(request, **options)

    async def open_stream(self, url: str) -> httpx.Response:
        """GET an event stream, and return the response, of whatever type; the caller closes it.

        Raises:
            BridgeError: the server refused, or did not answer.
        """
        request = self.build_request("GET", url, headers={"Accept": "text/event-stream"})
        request.extensions[METHOD] = ""
        return await self._taken(request)

    async def deliver(self, request: httpx.Request, request_id: Any = None) -> bytes:
        """POST a message whose answer comes by a stream of its own; return the JSON that the server answers
        the POST itself with, if any.

        Raises:
            BridgeError: the server refused, or did not answer.
        """
        response = await self._taken(request, request_id)
        if "json" not in content_type(response):
            await response.aclose()
            return b""
        return await self._body(response, _MAX_BODY)

    async def _taken(self, request: httpx.Request, request_id: Any = None) -> httpx.Response:
        try:
            response = await self._redirected(request, stream=True)
        except Exception as error:
            raise not_sent(request, error) from error
        if not response.is_success:
            raise refusal_of(response, await self._body(response, MAX_REFUSAL, cut=True), request_id)
        return response

    async def _said_goodbye(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """End a session. A server that does not know it any more, or is away, has ended it already: the SDK
        would warn of that."""
        try:
            async with asyncio.timeout(min(self.limits.seconds, _GOODBYE_SECONDS)):
                response = await super().send(request, **options)
                await response.aclose()  # its body is not read: it may never end
            _log.debug("the end of a session was answered with HTTP status %d", response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, BridgeError) as error:
            _log.debug("the end of a session did not reach the MCP server: %s", type(error).__name__)
        return httpx.Response(200, request=request)

    async def _posted(self, request: httpx.Request, **options: Any) -> httpx.Response:
        request_id, method = _asked(await request.aread())
        request.extensions[METHOD] = method
        response: httpx.Response | None = None
        post = OpenPost()
        if request_id is not None:
            self._open[request_id] = post
        try:
            async with post.waiting(None if request_id is not None else self.limits.seconds):
                response = await self._redirected(request, **options)
                return await self._answer(response, request_id, post)
        except Exception as error:  # noqa: BLE001 - the SDK's transport must get no other error
            if response is not None:
                await response.aclose()
                error = _after_sending(request, error)
            if post.ended:
                return httpx.Response(202, request=request)
            return self._answered(request, request_id, not_sent(request, error))

    async def _redirected(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send, and follow redirects within the origin that repeat the request."""
        for _ in range(_MAX_REDIRECTS):
            response = await super().send(request, **options)
            following = _within_origin(response)
            if following is None:
                return response
            await response.aclose()
            request = following
        raise ServerUnavailableError(
            Sentence("The MCP server at {host} redirects in a circle.", host=request.url.netloc.decode())
        )

    async def _answer(self, response: httpx.Response, request_id: Any, post: OpenPost) -> httpx.Response:
        """Return what the SDK reads of an answer.

        Raises:
            BridgeError: the server refused, or answered with something else.
        """
        if not response.is_success:
            raise refusal_of(response, await self._body(response, MAX_REFUSAL, cut=True), request_id)
        if request_id is None:
            await response.aclose()
            return httpx.Response(202, request=response.request)
        kind = content_type(response)
        if is_event_stream(response):
            return self._streamed(response, request_id, post)
        if response.status_code == httpx.codes.ACCEPTED or not ("json" in kind or kind in _UNTYPED):
            await response.aclose()
            what = Sentence(
                "status {status} and {kind}",
                status=response.status_code,
                kind=kind[:80] or Sentence("no content type"),
            )
            raise no_mcp(response.request, what)
        body = await self._body(response, _MAX_BODY)
        try:
            message = response_to(request_id, messages_in(body))
        except UnreadableAnswerError as error:
            raise no_mcp(response.request, str(error), reason_in(response, body)) from error
        return _made(response, content=json.dumps(message))

    async def _body(self, response: httpx.Response, limit: int, *, cut: bool = False) -> bytes:
        """Return the body, in time and bounded; `cut` returns its beginning instead of an error."""
        found = bytearray()
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for chunk in response.aiter_bytes():
                    found += chunk
                    if len(found) > limit:
                        break
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            if not cut:
                raise _unfinished(response, error) from error
        finally:
            await response.aclose()
        if len(found) > limit and not cut:
            raise no_mcp(response.request, Sentence("more than {count} MiB", count=limit // 1024 // 1024))
        return bytes(found[:limit])

    def _streamed(self, response: httpx.Response, request_id: Any, post: OpenPost) -> httpx.Response:
        """Return an event stream that always ends with an answer, even if the connection breaks."""
        request = response.request
        resumable = "Mcp-Method" not in request.headers  # which revision 2026-07-28 has, and no resumption

        async def resume(last_id: str) -> httpx.Response:
            asking = self.build_request("GET", request.url, headers=_resuming(response, last_id))
            return await self._redirected(asking, stream=True)

        def failed(said: str, broke: bool) -> bytes:
            failure = unknown_outcome(request, said, broke=broke)
            greets = request.extensions[METHOD] in _GREETINGS
            failure.era_is_doubtful = failure.transport_is_doubtful = greets and not broke
            error = json.dumps(self.error_response(request_id, failure))
            return f"event: message\ndata: {error}\n\n".encode()

        seconds = min(1.0, self.limits.seconds)
        stream = RequestStream(
            response, request_id, post, resume=resume if resumable else None, failed=failed, seconds=seconds
        )
        return _made(response, stream=stream)

    def _answered(self, request: httpx.Request, request_id: Any, failure: BridgeError) -> httpx.Response:
        """Return a response as if the server had answered the JSON-RPC request with an error."""
        if request_id is None:
            _log.warning("a message did not reach the MCP server: %s", failure)
            return httpx.Response(202, request=request)
        return httpx.Response(200, json=self.error_response(request_id, failure), request=request)

    def error_response(self, request_id: Any, failure: BridgeError) -> dict[str, Any]:
        """Return the error response to a request, and keep the failure that it stands for."""
        key = secrets.token_hex()  # the server cannot name another request's failure
        self._failures[key] = failure
        if len(self._failures) > _MAX_FAILURES:  # of callers that did not wait for theirs
            del self._failures[next(iter(self._failures))]
        error = {"code": FAILURE_CODE, "message": str(failure), "data": key}
        return {"jsonrpc": "2.0", "id": request_id, "error": error}


def _asked(body: bytes) -> tuple[Any, str]:
    """Return id and method of a JSON-RPC request; no id for a notification or an answer to the server."""
    message = json.loads(body)
    method = message.get("method") if isinstance(message, dict) else None
    return (message.get("id"), method) if isinstance(method, str) else (None, "")


def _made(response: httpx.Response, **body: Any) -> httpx.Response:
    """Return what the SDK gets in place of a response: another body, and of the headers the session's id.

    Raises:
        ServerUnavailableError: the response opens a session whose id cannot be sent back.
    """
    headers = {"Content-Type": "text/event-stream" if "stream" in body else "application/json"}
    if session_id := response.headers.get("Mcp-Session-Id"):
        if _SENDABLE.fullmatch(session_id) and len(session_id) <= _MAX_SESSION_ID:
            headers["Mcp-Session-Id"] = session_id
        elif "Mcp-Session-Id" not in response.request.headers:
            raise no_mcp(response.request, Sentence("a session id that cannot be sent back"))
    return httpx.Response(200, headers=headers, request=response.request, **body)


def _resuming(response: httpx.Response, last_id: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that ask for the events of a response's stream after the one with this id."""
    sent = httpx.Headers(response.headers)
    sent.update(response.request.headers)
    session = [(name, value) for name, value in sent.raw if name.lower() in _SESSION_HEADERS]
    return [(b"Accept", b"text/event-stream"), (b"Last-Event-ID", last_id.encode()), *session]


def _within_origin(response: httpx.Response) -> httpx.Request | None:
    """Return the request to follow a redirect with: the same one, to the same scheme, host and port.

    That is what 307 and 308 ask for (RFC 9110, 15.4). Frameworks correct a slash by 301 and 302 as well.
    """
    following = response.next_request
    if following is None:
        return None
    here, there = response.request.url, following.url
    if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
        return None
    if response.status_code in (307, 308):
        return following
    if response.status_code in (301, 302) and here.path.rstrip("/") == there.path.rstrip("/"):
        request = response.request
        return httpx.Request(
            request.method,
            there,
            headers=request.headers,
            content=request.content,
            extensions=request.extensions,
        )
    return None


def _unfinished(response: httpx.Response, error: Exception) -> Exception:
    """Return the error of an answer whose body ended with this error."""
    if isinstance(error, httpx.DecodingError):
        return no_mcp(response.request, Sentence("a body that cannot be decompressed"))
    if isinstance(error, TimeoutError):
        host = response.request.url.netloc.decode()
        late = Sentence("The MCP server at {host} did not finish its answer in time.", host=host)
        return ServerUnavailableError(in_doubt(response.request, late))
    return error


def _after_sending(request: httpx.Request, error: Exception) -> Exception:
    """Return an error of a request whose answer had begun: it was sent, so its outcome is not known."""
    return error if isinstance(error, BridgeError) else unknown_outcome(request)
