"""A model that streams as many chunks as the last message says, each written by itself: no work of its own.

python -m tests.benchmarks.chunk_source PORT
"""

import json
import re
import sys

from aiohttp import web

__all__ = ["chunks_of"]

_HEAD = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
_WORDS = (
    "The",
    " river",
    " runs",
    " past",
    " the",
    " old",
    " mill",
    ".",
    "\n\n",
    "Then",
    " **bold**",
    " words",
)


def chunks_of(count: int) -> list[bytes]:
    """Return the events of an answer of that many chunks of words."""
    deltas = [{"content": _WORDS[number % len(_WORDS)]} for number in range(count)]
    made = [_event({"role": "assistant", "content": ""}), *(_event(delta) for delta in deltas)]
    return [*made, _event({}, "stop"), b"data: [DONE]\n\n"]


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + json.dumps({**_HEAD, "choices": [choice], "usage": None}).encode() + b"\n\n"


async def _answer(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    wanted = re.search(r"\d+", text)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in chunks_of(int(wanted[0]) if wanted else 1):
        await response.write(event)
    await response.write_eof()
    return response


def main() -> None:
    """Listen."""
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/v1/chat/completions", _answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
