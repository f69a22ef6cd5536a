"""Requests of revision 2026-07-28: one POST each, which says all that the server has to know."""

import json
import logging
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final

import anyio
import httpx

from mcpsecurity.client.errors import BridgeError, ProtocolError
from mcpsecurity.client.event_streams import EventReader, is_event_stream
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.request_headers import (
    InvalidToolError,
    RepeatedArgument,
    argument_headers,
    repeated_arguments,
    request_headers,
)
from mcpsecurity.client.sdk_errors import session_closed

REVISION: Final = "2026-07-28"
META: Final = "io.modelcontextprotocol/"
"""What the names of the protocol's own metadata begin with."""

Message = dict[str, Any]
"""A JSON-RPC message; of a response only `result` or `error` counts."""
Hear = Callable[[Message], Awaitable[None]]
"""Takes a notification that came before the response."""

_log = logging.getLogger(__name__)
_HEADER_MISMATCH: Final = -32020
_UNSUPPORTED_VERSION: Final = -32022
_KINDS: Final = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_MAX_PAGES: Final = 100
_CLOSING_SECONDS: Final = 1.0


class StatelessRequests:
    """Sends the requests of one client to one server, and knows which arguments its tools have repeated."""

    def __init__(self, url: str, client: McpHttpClient) -> None:
        self._url = url
        self._client = client
        self._numbers = count(1)
        self._meta: dict[str, Any] = {}
        self._repeated: dict[str, tuple[RepeatedArgument, ...]] = {}

    def introduce(self, client_info: Any, capabilities: Any) -> None:
        """Say with each request from now on who asks, and what can be asked back."""
        self._meta = {
            f"{META}protocolVersion": REVISION,
            f"{META}clientInfo": client_info,
            f"{META}clientCapabilities": capabilities,
        }

    async def discover(self) -> Message:
        """Return the response to `server/discover`; asks again if the server names this revision itself."""
        response = await self.send("server/discover", {})
        failure = self.failure(response)
        if isinstance(failure, ProtocolError) and failure.code == _UNSUPPORTED_VERSION:
            known = failure.data.get("supported") if isinstance(failure.data, dict) else None
            if isinstance(known, list) and REVISION in known:
                return await self.send("server/discover", {})
        return response

    async def send(self, method: str, params: dict[str, Any], hear: Hear | None = None) -> Message:
        """Return the response to a request. A call that is refused because its headers do not repeat what
        they should is sent once more if the server lists the tool in another way now."""
        if method == "tools/call":
            return await self._call(params, hear)
        response = await self._post(method, params, {}, hear)
        if method == "tools/list":
            self._learn(response.get("result"), first_page=params.get("cursor") is None)
        return response

    def failure(self, response: Message) -> BridgeError | None:
        """Return why a request failed; None if it did not."""
        problem = response.get("error")
        if problem is None:
            return None
        failure = self._client.failure(problem.get("data"))
        return failure or ProtocolError(problem["message"], code=problem["code"], data=problem.get("data"))

    def refusal(self, failure: BridgeError) -> Message:
        """Return the response that stands for a failure of ours."""
        return self._client.error_response(None, failure)

    async def _call(self, params: dict[str, Any], hear: Hear | None) -> Message:
        repeated = self._repeated.get(params["name"], ())
        headers = argument_headers(repeated, params.get("arguments"))
        response = await self._post("tools/call", params, headers, hear)
        refusal = self._client.failure(response.get("error", {}).get("data"))  # which has an HTTP status
        if not isinstance(refusal, ProtocolError) or refusal.code != _HEADER_MISMATCH:
            return response
        await self._list_tools()
        again = self._repeated.get(params["name"], ())
        if again == repeated:
            return response
        return await self._post("tools/call", params, argument_headers(again, params.get("arguments")), hear)

    async def _list_tools(self) -> None:
        cursor: dict[str, Any] = {}
        for _ in range(_MAX_PAGES):
            result = (await self.send("tools/list", cursor)).get("result", {})
            following = result.get("nextCursor")
            if not isinstance(following, str) or following == cursor.get("cursor"):
                return
            cursor = {"cursor": following}

    def _learn(self, result: Any, *, first_page: bool) -> None:
        """Remember which arguments of the tools on a page are repeated in headers. An invalid tool gets
        no readable schema, so that `McpConnection.list_tools` leaves it out."""
        tools = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(tools, list):
            return
        if first_page:
            self._repeated = {}
        for place, tool in enumerate(tools):
            name = tool.get("name") if isinstance(tool, dict) else None
            if not isinstance(name, str):
                continue
            try:
                self._repeated[name] = repeated_arguments(tool.get("inputSchema"))
            except InvalidToolError as problem:
                _log.warning("left out the tool %.64r of the MCP server: %s", name, problem)
                tools[place] = {"name": name, "inputSchema": "invalid"}

    async def _post(
        self, method: str, params: dict[str, Any], headers: dict[str, str], hear: Hear | None
    ) -> Message:
        meta = params.get("_meta") or {}
        message = {
            "jsonrpc": "2.0",
            "id": next(self._numbers),
            "method": method,
            "params": {**params, "_meta": {**meta, **self._meta}},
        }
        request = self._client.build_request(
            "POST",
            self._url,
            content=json.dumps(message).encode(),
            headers=_KINDS | request_headers(REVISION, method, params) | headers,
        )
        response = await self._client.send(request, stream=True)
        try:
            return await _response(response, hear) or self.refusal(session_closed())
        finally:
            with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
                await response.aclose()


async def _response(response: httpx.Response, hear: Hear | None) -> Message | None:
    """Return the message that ends an answer of `McpHttpClient`, and hand on the notifications before it;
    None if the request was ended before."""
    if not is_event_stream(response):
        body = await response.aread()
        return dict(json.loads(body)) if body else None
    reader = EventReader()
    async for chunk in response.aiter_bytes():
        for event in reader.feed(chunk):
            message = json.loads("\n".join(event.data))
            if "method" not in message:
                return dict(message)
            if hear is not None and "id" not in message:  # in this revision no server sends requests
                await hear(message)
    return None
