"""The HTTP client below the SDK's transport.

The SDK's transport breaks its whole connection when a POST is answered with an error, and leaves whoever
waits waiting. Here such an answer becomes an error response to the request it belongs to, and the typed
failure is kept for the caller. So does a stream that breaks and cannot be resumed.
"""

import json
import re
from typing import Any

import httpx
from mcp.client.streamable_http import MAX_RECONNECTION_ATTEMPTS

from mcpsecurity.bridge.errors import (
    AccessDeniedError,
    BridgeError,
    InsufficientScopeError,
    ServerUnavailableError,
    SessionLostError,
    SignInRequiredError,
)
from mcpsecurity.bridge.streams import Resumptions, WatchedStream

__all__ = ["FAILURE_CODE", "McpHttpClient"]

FAILURE_CODE = -32050
"""JSON-RPC code of the error responses made here; `data` is the key of the failure in `failures`."""

_PARAMETER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class McpHttpClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose failed POSTs look answered. `pop_failure` gives the typed reason."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._failures: dict[int, BridgeError] = {}
        self._count = 0
        self._resumptions = Resumptions(MAX_RECONNECTION_ATTEMPTS)

    def pop_failure(self, key: Any) -> BridgeError | None:
        """Return and forget the failure that an error response's `data` stands for."""
        return self._failures.pop(key, None) if isinstance(key, int) else None

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send; for a POST no status beyond 399 and no failed connection comes out of here."""
        last_id = request.headers.get("Last-Event-ID")
        if request.method == "GET" and self._resumptions.concern(last_id):
            return await self._resumed(request, last_id, **options)
        if request.method != "POST":
            return await super().send(request, **options)
        try:
            response = await super().send(request, **options)
        except httpx.TransportError as error:
            return self._answered(request, _unreachable(request, error))
        except BridgeError as error:  # raised by the source of tokens
            return self._answered(request, error)
        if response.status_code < 400:
            return self._watched(response, _request_id(request))
        await response.aclose()
        return self._answered(request, _failure(response))

    async def _resumed(self, request: httpx.Request, last_id: str, **options: Any) -> httpx.Response:
        """Go on with the stream of a request that broke; the last failure is answered as an error event."""
        try:
            response = await super().send(request, **options)
            if response.status_code < 400:
                self._resumptions.succeeded(last_id)
                return self._watched(response, 0, last_id)
            await response.aclose()
        except (httpx.TransportError, BridgeError):
            if not self._resumptions.is_over(last_id):
                raise
        else:
            if not self._resumptions.is_over(last_id):
                return response
        event = self._broken_event(request, 0)  # the SDK puts the request's own id in
        headers = {"Content-Type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=event, request=request)

    def _watched(self, response: httpx.Response, id: Any, last_id: str = "") -> httpx.Response:  # noqa: A002
        """Return the response; an event stream with the answer to request `id` is watched."""
        stream, kind = response.stream, response.headers.get("Content-Type", "")
        if (
            id is not None
            and kind.startswith("text/event-stream")
            and isinstance(stream, httpx.AsyncByteStream)
        ):
            response.stream = WatchedStream(
                stream,
                broke=self._resumptions.broke,
                failed=lambda: self._broken_event(response.request, id),
                last_id=last_id,
            )
        return response

    def _broken_event(self, request: httpx.Request, id: Any) -> bytes:  # noqa: A002
        """Return the event that ends a request whose stream broke. It is never sent again by itself."""
        host = request.url.netloc.decode()
        text = (
            f"The connection to the MCP server at {host} broke. It is not known whether this was completed."
        )
        error = json.dumps(self._error(id, ServerUnavailableError(text)))
        return f"event: message\ndata: {error}\n\n".encode()

    def _answered(self, request: httpx.Request, failure: BridgeError) -> httpx.Response:
        """Return a response as if the server had answered the JSON-RPC request with an error."""
        id = _request_id(request)  # noqa: A001 - the protocol's word
        if id is None:
            return httpx.Response(202, request=request)
        return httpx.Response(200, json=self._error(id, failure), request=request)

    def _error(self, id: Any, failure: BridgeError) -> dict[str, Any]:  # noqa: A002
        """Return the error response to a request, and keep the failure that it stands for."""
        self._count += 1
        self._failures[self._count] = failure
        error = {"code": FAILURE_CODE, "message": str(failure), "data": self._count}
        return {"jsonrpc": "2.0", "id": id, "error": error}


def _request_id(request: httpx.Request) -> Any:
    message = json.loads(request.content)
    return message.get("id") if isinstance(message, dict) and "method" in message else None


def _unreachable(request: httpx.Request, error: httpx.TransportError) -> ServerUnavailableError:
    failure = ServerUnavailableError(
        f"The MCP server at {request.url.host}:{request.url.port or ''} does not answer."
    )
    failure.__cause__ = error
    return failure


def _failure(response: httpx.Response) -> BridgeError:
    status, host = response.status_code, response.request.url.netloc.decode()
    found = _PARAMETER.findall(response.headers.get("WWW-Authenticate", ""))
    challenge = {name: re.sub(r"\\(.)", r"\1", value) for name, value in found}
    if status == 401:
        return SignInRequiredError(
            f"The MCP server at {host} asks for a sign-in"
            + (f" with the scope {challenge['scope']}." if "scope" in challenge else "."),
            scope=challenge.get("scope"),
            claims=challenge.get("claims"),
        )
    if status == 403 and challenge.get("error") == "insufficient_scope" and "scope" in challenge:
        scope = challenge["scope"]
        return InsufficientScopeError(f"The MCP server at {host} needs the scope {scope}.", scope=scope)
    if status == 403:
        return AccessDeniedError(f"The MCP server at {host} refuses access.")
    if status == 404:
        return SessionLostError(f"The MCP server at {host} has ended the session.")
    return ServerUnavailableError(f"The MCP server at {host} answered with HTTP status {status}.")
