"""A server with the transport HTTP+SSE, that does as a test says, and a connection to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.client.odd import GREETING, said
from tests.client.odd import rpc as result_of
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection

__all__ = ["Answer", "Older", "connected", "event", "status"]

Answer = Callable[[dict[str, Any]], bytes | web.Response | None]
"""What follows from a message: bytes for the stream, the answer to its POST, or None."""


def event(message: Any, end: str = "\n") -> bytes:
    return f"event: message{end}data: {json.dumps(message)}{end}{end}".encode()


def status(code: int, text: str = "", kind: str = "text/plain") -> Answer:
    return lambda _: web.Response(status=code, text=text, content_type=kind)


class Older:
    """A server that has a stream for each session, at /sse.

    Attributes:
        endpoint: what a stream begins with; `{session}` stands for its number.
        answers: what follows from a message, by method, in place of a good answer.
        accepted: the status and the body of the answer to a POST.
        refusal: the answer to a POST to /sse; None: a stream, as to a GET.
        seen: the method of each message that was taken, or "answer"; `messages`: the messages.
        posted: how many POSTs to /sse were refused.
        opened: how many streams there were; `left`: set when the client ends one.
    """

    def __init__(self, endpoint: str = "event: endpoint\ndata: /messages/?session_id={session}\n\n") -> None:
        self.endpoint = endpoint
        self.answers: dict[str, Answer] = {}
        self.accepted: tuple[int, str] = (202, "Accepted")
        self.refusal: Answer | None = status(405, "405: Method Not Allowed")
        self.seen: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.posted = self.opened = 0
        self.left = asyncio.Event()
        self._streams: dict[str, tuple[web.Request, web.StreamResponse]] = {}

    async def say(self, text: bytes, session: str = "") -> None:
        await self._streams[session or str(self.opened)][1].write(text)

    def drop(self) -> None:
        """Break all streams."""
        for request, _ in self._streams.values():
            assert request.transport is not None
            request.transport.close()
        self._streams.clear()

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.opened += 1
        session = str(self.opened)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await stream.prepare(request)
        self._streams[session] = request, stream
        origin = str(request.url.origin())
        await stream.write(self.endpoint.format(session=session, origin=origin).encode())
        try:
            await asyncio.Event().wait()
        finally:
            self._streams.pop(session, None)
            self.left.set()
        return stream

    async def post(self, request: web.Request) -> web.Response:
        session = request.query.get("session_id", "")
        if session not in self._streams:
            return web.Response(status=404, text="Could not find session")
        message = await request.json()
        self.messages.append(message)
        method = message.get("method", "answer")
        self.seen.append(method)
        answer = self.answers.get(method, _good)(message)
        if isinstance(answer, web.Response):
            return answer
        if answer is not None:
            await self.say(answer, session)
        code, text = self.accepted
        return web.Response(status=code, text=text or None)

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        if "session_id" in request.query:
            return await self.post(request)
        self.posted += 1
        if self.refusal is None:
            return await self.get(request)
        refusal = self.refusal(await request.json())
        assert isinstance(refusal, web.Response)
        return refusal

    def app(self, *middlewares: Any) -> web.Application:
        app = web.Application(middlewares=middlewares)
        app.router.add_get("/sse", self.get)
        app.router.add_post("/sse", self.refuse)
        app.router.add_post("/messages/", self.post)
        app.router.add_post("/nested/messages", self.post)
        app.router.add_get("/nested/sse", self.get)
        app.router.add_post("/nested/sse", self.refuse)
        return app


def _good(message: dict[str, Any]) -> bytes | None:
    if "id" not in message or "method" not in message:
        return None
    if message["method"] == "initialize":
        return event(result_of(message, GREETING | {"protocolVersion": "2024-11-05"}))
    return event(said(message))


@asynccontextmanager
async def connected(
    server: Older, path: str = "/sse", middlewares: Sequence[Any] = (), **options: Any
) -> AsyncIterator[McpConnection]:
    async with (
        on_loopback(server.app(*middlewares), path, handler_cancellation=True) as url,
        McpConnection(url, **{"timeout": 30, **options}) as connection,
    ):
        yield connection
