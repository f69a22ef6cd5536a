"""An MCP server on loopback that answers by plan, to the byte, and counts what it has seen."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.client.mutations import Answer

__all__ = ["MutatingServer", "serving"]

RESULTS: dict[str, Any] = {
    "initialize": {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": True}, "prompts": {}, "resources": {}},
        "serverInfo": {"name": "mutating", "version": "1"},
        "instructions": "Größe",
    },
    "tools/list": {
        "tools": [
            {
                "name": "t",
                "title": "T",
                "description": "does “it”",
                "inputSchema": {
                    "type": "object",
                    "properties": {"n": {"type": "integer"}, "o": {"$ref": "#/$defs/O"}},
                    "required": ["n"],
                    "$defs": {"O": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}},
                },
                "outputSchema": {"type": "object", "properties": {"v": {"type": "integer"}}},
                "annotations": {"readOnlyHint": True},
            }
        ]
    },
    "tools/call": {
        "content": [
            {"type": "text", "text": "fine ✨"},
            {"type": "image", "data": "AA==", "mimeType": "image/png"},
        ],
        "structuredContent": {"v": 36},
        "isError": False,
    },
    "prompts/list": {"prompts": [{"name": "p", "arguments": [{"name": "a", "required": True}]}]},
    "prompts/get": {"messages": [{"role": "user", "content": {"type": "text", "text": "hello"}}]},
    "resources/list": {"resources": [{"uri": "file:///a", "name": "a"}]},
    "resources/read": {"contents": [{"uri": "file:///a", "text": "x"}]},
}  # fmt: skip


_COMPLETE = {"resultType": "complete"}
_TOOL: Any = RESULTS["tools/list"]["tools"][0]
_PARTS = {"n": {"type": "integer", "x-mcp-header": "N"}, "o": {"type": "string"}}
_SCHEMA = {"type": "object", "properties": _PARTS, "required": ["n"]}
_FORM = {"type": "object", "properties": {"a": {"type": "string"}}}
STATELESS_RESULTS: dict[str, Any] = {
    **{method: _COMPLETE | result for method, result in RESULTS.items() if method != "initialize"},
    "tools/list": _COMPLETE | {"tools": [_TOOL | {"inputSchema": _SCHEMA}]},
    "subscriptions/listen": _COMPLETE,
    "server/discover": _COMPLETE
    | {
        "supportedVersions": ["2026-07-28"],
        "capabilities": RESULTS["initialize"]["capabilities"],
        "_meta": {"io.modelcontextprotocol/serverInfo": RESULTS["initialize"]["serverInfo"]},
    },
}
QUESTION = {
    "resultType": "input_required",
    "inputRequests": {
        "k": {"method": "elicitation/create", "params": {"message": "x", "requestedSchema": _FORM}},
        "m": {
            "method": "sampling/createMessage",
            "params": {
                "messages": [{"role": "user", "content": {"type": "text", "text": "x"}}],
                "maxTokens": 9,
            },
        },
    },
    "requestState": "state",
}
"""What the third call of a server without sessions is answered first."""


class Played(web.StreamResponse):
    """Stands for a response that has been written to the connection already."""

    def __init__(self, *, keep: bool) -> None:
        super().__init__()
        self._keep = keep

    @property
    def keep_alive(self) -> bool | None:
        return self._keep

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write nothing more."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing more."""


class MutatingServer:
    """Answers by `plan`, and well when that is used up; without sessions if it is `stateless`.

    Attributes:
        calls: how often each tool call was taken, by its argument `n`, the state that it goes on from, and
            whether it answers questions; a refusal that says otherwise apart.
        stalled: how many requests are not answered, or not to the end.
        asked_to_wait: whether a stream said to come back later than anyone waits.
    """

    def __init__(self, *, stateless: bool = False) -> None:
        self.results = STATELESS_RESULTS if stateless else RESULTS
        self.begin({})

    def begin(self, plan: dict[str, list[Answer]]) -> None:
        """Forget what was, and answer by another plan."""
        self.plan = {method: list(answers) for method, answers in plan.items()}
        self.calls: Counter[tuple[int, Any, bool]] = Counter()
        self.stalled = 0
        self.asked_to_wait = False
        self._asked: dict[Any, Any] = {}
        self._well_again = asyncio.Event()

    def recover(self) -> None:
        """Answer well from now on, and end the requests that wait."""
        self.plan.clear()
        self._well_again.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        message = json.loads(body) if body else {}
        kind = _kind(request, message)
        planned = self.plan.get(kind)
        answer = planned.pop(0) if planned else None
        if kind in self.results:
            self._asked[message["id"]] = message
        if kind == "tools/call":
            params = message["params"]
            call = (params["arguments"]["n"], params.get("requestState"), "inputResponses" in params)
            self.calls[call] += answer is None or not _says_that_it_was_not_taken(answer)
        if answer is None:
            return self._well(kind, message)
        self.asked_to_wait |= answer.asks_to_wait
        return await self._played(request, answer, kind, message)

    def _well(self, kind: str, message: Any) -> web.StreamResponse:
        if kind == "resumed":
            answers = [json.dumps(self._response(asked)) for asked in self._asked.values()]
            text = "".join(f"event: message\ndata: {answer}\n\n" for answer in answers)
            return web.Response(text=text, content_type="text/event-stream")
        if kind in ("GET", "DELETE"):
            return web.Response(status=405)
        if kind not in self.results and kind != "initialize":
            return web.Response(status=202)
        status = 200 if kind in self.results else 400
        session = {"Mcp-Session-Id": "s1"} if kind == "initialize" and status == 200 else {}
        return web.json_response(self._response(message), headers=session, status=status)

    async def _played(
        self, request: web.Request, answer: Answer, kind: str, message: Any
    ) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        if answer.stall:
            await self._stall()
        await asyncio.sleep(answer.late)
        good = self._good(kind, message)
        body = answer.encoded(answer.body(good, raw=good is None))
        for piece in [_head(answer, body, kind), *_pieces(answer, body)]:
            transport.write(piece)
            await asyncio.sleep(0)
        if answer.end == "stall" or answer.leaves_waiting:
            await self._stall()
        if answer.end == "reset":
            transport.abort()
        elif answer.end != "keep" or answer.leaves_waiting:
            transport.close()
        return Played(keep=answer.end == "keep")

    def _good(self, kind: str, message: Any) -> Any:
        if kind == "resumed" and self._asked:
            return self._response(list(self._asked.values())[-1])
        return self._response(message) if kind in self.results or kind == "initialize" else None

    def _response(self, message: Any) -> dict[str, Any]:
        method, params = message["method"], message.get("params", {})
        response: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        if method not in self.results:
            return response | {"error": {"code": -32020, "message": "no MCP-Protocol-Version"}}
        asks = self.results is STATELESS_RESULTS and method == "tools/call" and params["arguments"]["n"] == 3
        if asks and "inputResponses" not in params:
            return response | {"result": QUESTION}
        return response | {"result": self.results[method]}

    async def _stall(self) -> None:
        self.stalled += 1
        try:
            await self._well_again.wait()
        finally:
            self.stalled -= 1


def _kind(request: web.Request, message: Any) -> str:
    if request.method == "GET":
        return "resumed" if "Last-Event-ID" in request.headers else "GET"
    if request.method != "POST":
        return request.method
    return str(message.get("method", "answer"))


def _says_that_it_was_not_taken(answer: Answer) -> bool:
    """Whether the status says so: the session is not known, or is said in the body to be; see elsewhere."""
    if answer.status in (301, 302, 307, 308):
        return any(name == "Location" for name, _ in answer.headers)
    return answer.status in (400, 404)


def _head(answer: Answer, body: bytes, kind: str) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} X"]
    kinds = answer.kinds
    if kinds is None:
        kinds = ("text/event-stream" if answer.events else "application/json",)
    lines += [f"Content-Type: {value}" for value in kinds]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if kind == "initialize" and answer.session is not None:
        lines.append(f"Mcp-Session-Id: {answer.session}")
    if answer.coding in ("gzip", "gzip, broken", "gzip, false", "deflate", "gzip, gzip"):
        coding = answer.coding.removesuffix(", broken").removesuffix(", false")
        lines.append(f"Content-Encoding: {coding}")
    if answer.length in ("chunked", "cut"):
        lines.append("Transfer-Encoding: chunked")
    elif answer.length != "none":
        more = {"exact": 0, "long": 7, "short": -7}[answer.length]
        lines.append(f"Content-Length: {max(len(body) + more, 0)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _pieces(answer: Answer, body: bytes) -> list[bytes]:
    places = [0, *(int(cut * len(body)) for cut in answer.cuts), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(places) if b > a]
    if answer.length not in ("chunked", "cut"):
        return pieces
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return chunks if answer.length == "cut" else [*chunks, b"0\r\n\r\n"]


@asynccontextmanager
async def serving(server: MutatingServer) -> AsyncIterator[tuple[str, web.AppRunner]]:
    """Serve it; give its URL, and the runner that knows its connections."""
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp", runner
    finally:
        await runner.cleanup()
