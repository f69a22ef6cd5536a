"""A conversation never becomes too long for its model, and what was said and read early is still known."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tests.browser.stack import Service
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.oddity import Odd, tool
from tests.webclient.reading_model import ReadingModel
from tests.webclient.visitor import Visitor

MIB = 2**20


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    service = Service(lambda: app)
    await service.start()
    try:
        yield f"http://localhost:{service.port}"
    finally:
        await service.stop()


def long_result(size: int, fact: str) -> dict[str, Any]:
    """Return a result of so many characters with a sentence in its middle."""
    half = 'alpha 42 beta; gamma\n"delta", ' * (size // 60)
    text = f"{half}. {fact}. {half}"[:size]
    return {"content": [{"type": "text", "text": text}]}


class Talk:
    """A person who talks to the reading model."""

    def __init__(self, visitor: Visitor, stream: EventStream, odd: Odd) -> None:
        self.visitor = visitor
        self.stream = stream
        self.odd = odd

    async def say(self, text: str) -> str:
        """Send a message and return the answer."""
        self.stream.events.clear()
        await self.visitor.ask(text)
        done = await self.stream.until("run.done")
        assert done["status"] == "completed", done
        said = [e.data["message"]["text"] for e in self.stream.events if e.name == "message.done"]
        return str(said[-1])

    async def fetch(self, size: int, fact: str = "") -> None:
        """Have the model call the tool, whose result has so many characters."""
        self.odd.results["tools/call"] = long_result(size, fact)
        assert await self.say("Fetch it.") == "Noted."


@asynccontextmanager
async def talking(
    model: ReadingModel, serve_web: ServeWeb, visitors: NewPerson, user: str | None = None, **more: Any
) -> AsyncIterator[Talk]:
    odd = Odd(tools={})
    reads = tool("fetch") | {"annotations": {"readOnlyHint": True}}
    odd.results["tools/list"] = {"tools": [reads]}
    async with served(model.app()) as model_url, served(odd.app()) as odd_url:
        server = {"name": "odd", "url": f"{odd_url}/mcp", "trust_annotations": True}
        settings = {"context_window": model.window, "model_api": "chat", "azure_openai_endpoint": model_url}
        async with serve_web(more_servers=(server,), **{**settings, **more}) as url:
            visitor = await visitors(url=url, user=user).sign_in()
            await visitor.command("mode", {"mode": "elicitation"})
            async with visitor.stream() as stream:
                yield Talk(visitor, stream, odd)


@pytest.mark.parametrize(
    ("window", "turns", "results"),
    [(8_192, 150, (200, MIB)), (128_000, 40, (100_000, MIB)), (1_000_000, 12, (MIB,))],
    ids=["8k", "128k", "1M"],
)
async def test_every_request_fits_and_early_facts_are_known(
    window: int, turns: int, results: tuple[int, ...], serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(window)
    async with talking(model, serve_web, visitors) as talk:
        await talk.say("Remember that the harbour code is QX71.")
        await talk.fetch(MIB, "the depth marker is 4419")
        for number in range(turns):
            if number % 10 == 5:
                await talk.fetch(results[number // 10 % len(results)])
            else:
                await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 8)
        assert await talk.say("What is the harbour code?") == "It is QX71."
        assert await talk.say("What is the depth marker?") == "It is 4419."
        context = (await talk.visitor.snapshot())["context"]
    assert model.refused == []
    assert max(model.sent) <= window
    assert context["window"] == window
    assert 0 < context["used"] <= window
