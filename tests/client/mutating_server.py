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
    """Answers by `plan`, and well when that is used up.

    Attributes:
        calls: how often each tool call, by its argument `n`, was taken; a refusal that says otherwise apart.
        stalled: how many requests are not answered, or not to the end.
        asked_to_wait: whether a stream said to come back later than anyone waits.
    """

    def __init__(self) -> None:
        self.begin({})

    def begin(self, plan: dict[str, list[Answer]]) -> None:
        """Forget what was, and answer by another plan."""
        self.plan = {method: list(answers) for method, answers in plan.items()}
        self.calls: Counter[int] = Counter()
        self.stalled = 0
        self.asked_to_wait = False
        self._asked: dict[Any, str] = {}
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
        if kind in RESULTS:
            self._asked[message["id"]] = kind
        if kind == "tools/call":
            number = message["params"]["arguments"]["n"]
            self.calls[number] += answer is None or not _says_that_it_was_not_taken(answer)
        if answer is None:
            return self._well(kind, message)
        self.asked_to_wait |= answer.asks_to_wait
        return await self._played(request, answer, kind, message)

    def _well(self, kind: str, message: Any) -> web.StreamResponse:
        if kind == "resumed":
            answers = [json.dumps(_response(asked, number)) for number, asked in self._asked.items()]
            text = "".join(f"event: message\ndata: {answer}\n\n" for answer in answers)
            return web.Response(text=text, content_type="text/event-stream")
        if kind in ("GET", "DELETE"):
            return web.Response(status=405)
        if kind not in RESULTS:
            return web.Response(status=202)
        session = {"Mcp-Session-Id": "s1"} if kind == "initialize" else {}
        return web.json_response(_response(kind, message["id"]), headers=session)

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
            number, asked = list(self._asked.items())[-1]
            return _response(asked, number)
        return _response(kind, message["id"]) if kind in RESULTS else None

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


def _response(kind: str, request_id: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "result": RESULTS[kind]}


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
