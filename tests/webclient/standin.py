"""A model that answers as a test says: Azure OpenAI's endpoint, whose answers are bytes and endings."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from mcpsecurity.localcloud.openai.refusal import RefusedError
from mcpsecurity.localcloud.openai.validation import check_request

__all__ = ["Ending", "Standin", "Turn", "calls", "page", "says", "streamed"]

Ending = Literal["whole", "cut", "hang"]
STREAM = (("Content-Type", "text/event-stream"),)


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer: `pieces` are written one by one, `pause` seconds apart; then it ends as a whole, is cut
    off, or hangs until the client has had enough."""

    pieces: tuple[bytes, ...]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = STREAM
    ending: Ending = "whole"
    pause: float = 0.0


def streamed(*chunks: Any, done: bool = True) -> bytes:
    """Return chunks as events; text stands for itself."""
    written = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    return "".join(f"data: {text}\n\n" for text in [*written, *(["[DONE]"] if done else [])]).encode(
        errors="surrogatepass"
    )


def says(text: str, finish: str = "stop") -> Turn:
    """Return an answer in words."""
    said = [_chunk({"content": text})] if text else []
    return Turn((streamed(*said, _chunk({"role": "assistant"}), _chunk({}, finish)),))


def calls(function: str, arguments: str, call_id: str = "call_1") -> Turn:
    """Return an answer that calls a function, with arguments that are exactly this text."""
    made = {"name": function, "arguments": arguments}
    delta = {"tool_calls": [{"index": 0, "id": call_id, "type": "function", "function": made}]}
    return Turn((streamed(_chunk({"role": "assistant"}), _chunk(delta), _chunk({}, "tool_calls")),))


def page(body: str, status: int = 200, content_type: str = "application/json", **headers: str) -> Turn:
    """Return an answer that is no stream."""
    return Turn((body.encode(),), status, (("Content-Type", content_type), *headers.items()))


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


class Standin:
    """Plays `turns` in order, then says OK. Every request is held against Azure's rules: `refused` has what
    Azure would not have taken, `asked` counts."""

    def __init__(self) -> None:
        self.turns: deque[Turn] = deque()
        self.refused: list[str] = []
        self.asked = 0
        self.last: Any = None

    def app(self) -> web.Application:
        """Return the endpoint; requests to other paths are noted as refused."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/openai/v1/chat/completions", self._answer)
        app.router.add_route("*", "/{path:.*}", self._elsewhere)
        return app

    async def _elsewhere(self, request: web.Request) -> web.Response:
        self.refused.append(f"{request.method} {request.path}")
        return web.Response(status=404)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self._check(await request.read())
        turn = self.turns.popleft() if self.turns else says("OK.")
        response = web.StreamResponse(status=turn.status, headers=dict(turn.headers))
        await response.prepare(request)
        try:
            for piece in turn.pieces:
                await response.write(piece)
                await asyncio.sleep(turn.pause)
            while turn.ending == "hang" and request.transport is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            if turn.ending == "cut" and request.transport is not None:
                request.transport.abort()
            else:
                await response.write_eof()
        except ConnectionError:  # the client has had enough
            return response
        return response

    def _check(self, body: bytes) -> None:
        try:
            self.last = json.loads(body.decode())
            json.dumps(self.last, ensure_ascii=False).encode()
            check_request(self.last)
        except (RefusedError, ValueError) as why:
            self.refused.append(f"{why}: {body[-1000:]!r}")
