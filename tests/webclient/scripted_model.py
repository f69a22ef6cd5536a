"""A model that answers word for word as a test says, over HTTP, and refuses what Azure OpenAI refuses."""

import json
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from mcpsecurity.localcloud.openai.refusal import RefusedError
from mcpsecurity.localcloud.openai.validation import check_request

__all__ = ["ScriptedModel", "calls", "chunk", "says"]

Turn = list[Any] | Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Chunks of a stream (objects, or the bytes of an event; an exception breaks it off), or a handler."""


class ScriptedModel:
    """Plays `turns` in order, and says "Done." after the last one. `asked` are the requests that Azure
    OpenAI would have taken, `refused` why it would not have taken the others. By Responses it always says
    "Done."; `bodies` are those requests."""

    def __init__(self) -> None:
        self.turns: deque[Turn] = deque()
        self.asked: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.bodies: list[dict[str, Any]] = []

    def app(self) -> web.Application:
        """Return the endpoint."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/openai/v1/chat/completions", self._answer)
        app.router.add_post("/openai/v1/responses", self._respond)
        return app

    @property
    def last(self) -> list[dict[str, Any]]:
        """The messages of the last request."""
        return list(self.asked[-1]["messages"])

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(json.loads(await request.read()))
        content = [{"type": "output_text", "text": "Done."}]
        ended = {"status": "completed", "output": [{"type": "message", "content": content}]}
        event = json.dumps({"type": "response.completed", "response": ended})
        return web.Response(text=f"data: {event}\n\n", content_type="text/event-stream")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        try:
            check_request(body)
        except RefusedError as error:
            self.refused.append(str(error))
            return web.json_response({"error": {"code": error.code, "message": str(error)}}, status=400)
        self.asked.append(body)
        turn = self.turns.popleft() if self.turns else says("Done.")
        return await (_stream(request, turn) if isinstance(turn, list) else turn(request))


async def _stream(request: web.Request, turn: list[Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for part in turn:
        if isinstance(part, Exception):
            if request.transport is not None:
                request.transport.abort()
            return response
        data = part if isinstance(part, bytes) else b"data: " + json.dumps(part).encode() + b"\n\n"
        await response.write(data)
    await response.write(b"data: [DONE]\n\n")
    return response


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """Return a chunk of an answer."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def says(text: str, finish: str | None = "stop") -> list[Any]:
    """Return an answer in words."""
    said = [chunk({"content": text})] if text else []
    return [chunk({"role": "assistant", "content": ""}), *said, chunk({}, finish)]


def calls(*made: tuple[str | None, str, str | None], finish: str = "tool_calls") -> list[Any]:
    """Return an answer that calls tools: id, name and arguments of each."""
    items = [
        {"index": index, "type": "function", "function": {"name": name, "arguments": arguments}}
        | ({"id": call_id} if call_id is not None else {})
        for index, (call_id, name, arguments) in enumerate(made)
    ]
    return [chunk({"role": "assistant", "content": None}), chunk({"tool_calls": items}), chunk({}, finish)]
