"""What a person reads and what the history keeps of an answer."""

import asyncio
import json

from aiohttp import web
from semantic_kernel import Kernel
from tests.support.served import on_loopback

from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import ChatModel


async def test_text_that_turns_out_to_be_a_thought_is_not_kept() -> None:
    shown = asyncio.Event()

    async def think(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for text in ("Hm.", "</think>Yes."):
            chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await shown.wait()
        await response.write(b"data: [DONE]\n\n")
        return response

    def show(text: str) -> None:
        said.append(text)
        shown.set()

    said: list[str] = []
    app = web.Application()
    app.router.add_post("/v1/chat/completions", think)
    async with on_loopback(app) as url, ChatModel.at(f"{url}/v1", "m") as model:
        conversation = Conversation(Kernel(), model)
        await conversation.answer("Hello?", show)
    assert "".join(said) == "Hm.\n\nYes."
    assert [message.content for message in conversation.history.messages] == ["Hello?", "Yes."]
