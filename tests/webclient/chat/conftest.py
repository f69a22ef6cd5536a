"""A chat that can be restarted, with a model and a server that say what a test wants."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.browser.stack import Service
from tests.webclient.conftest import NewPerson, RunChat, ServeWeb
from tests.webclient.oddity import Odd, tool
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, says
from tests.webclient.visitor import Visitor

from mcpsecurity.testing import LocalStack

__all__ = ["Desk", "Open"]

Open = Callable[..., Any]


class Desk:
    """A chat with a scripted model that can be restarted, and a person at it."""

    def __init__(self, model: ScriptedModel, server: Odd, person: WebPerson) -> None:
        self.model = model
        self.server = server
        self.person = person

    async def say(self, page: Page, text: str, answer: str) -> str:
        """Say something, have it answered so, and return the message's id."""
        self.model.turns.append(says(answer))
        status, body = await self.person.command("messages", text=text)
        assert status == 202, body
        await page.until("run.done")
        return str(body["message_id"])

    async def shown(self) -> dict[str, Any]:
        """Return the texts, and which versions are open."""
        async with self.person.page() as page:
            shown = page.snapshot
        forks = [(f["after"] and "…", f["open"], f["of"]) for f in shown["forks"]]
        return {"texts": [m["text"] for m in shown["messages"]], "forks": forks, "queue": shown["queue"]}

    def read_by_model(self) -> list[str]:
        """Return what the model was sent last, without the system message."""
        return [str(message["content"]) for message in self.model.last[1:]]


@pytest.fixture
async def desk(local: LocalStack, run_chat: RunChat, tmp_path: Path) -> AsyncIterator[Callable[[], Any]]:
    """Opens the chat, and after that again as another process: `await desk(path, **settings)`."""
    model, port = ScriptedModel(), 0
    odd = Odd(tools={}, resources={})
    odd.results["tools/list"] = {"tools": [tool("note")]}
    odd.results["tools/call"] = {"content": [{"type": "text", "text": "Noted."}]}
    endpoint, server = Service(model.app), Service(odd.app)
    async with AsyncExitStack() as running:
        for service in (endpoint, server):
            await service.start()
            running.push_async_callback(service.stop)
        opened: list[AsyncExitStack] = []

        async def start(path: str = "/", **settings: Any) -> Desk:
            nonlocal port
            while opened:
                await opened.pop().aclose()
            stack = AsyncExitStack()
            opened.append(stack)
            url = await stack.enter_async_context(
                run_chat(
                    f"sqlite:///{tmp_path}/chats.sqlite3",
                    port=port or None,
                    azure_openai_endpoint=f"http://localhost:{endpoint.port}",
                    model_api="chat",
                    more_servers=({"name": "odd", "url": f"http://localhost:{server.port}/mcp"},),
                    **settings,
                )
            )
            port = int(url.rpartition(":")[2])
            person = await stack.enter_async_context(WebPerson(url, local.cloud.ca_file))
            await person.sign_in()
            assert await person.open(path) == 200
            return Desk(model, odd, person)

        yield start
        while opened:
            await opened.pop().aclose()
    assert model.refused == []


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    model = ScriptedModel()
    yield model
    assert model.refused == [], "Azure OpenAI would have taken every request"


@pytest.fixture
async def model_url(model: ScriptedModel) -> AsyncIterator[str]:
    service = Service(model.app)
    await service.start()
    yield f"http://localhost:{service.port}"
    await service.stop()


@pytest.fixture
async def scripted_visitor(
    model_url: str, serve_web: ServeWeb, visitors: NewPerson
) -> AsyncIterator[Visitor]:
    """Somebody who never was here before, at a chat with the scripted model."""
    async with serve_web(azure_openai_endpoint=model_url, model_api="chat") as url:
        yield await visitors(url=url).sign_in()
