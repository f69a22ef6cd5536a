"""A chat whose only MCP server is on the official SDK 2.x and serves revision 2026-07-28 only."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from tests.browser.stack import Service
from tests.sdk2.environment import serving_program
from tests.webclient.conftest import RunChat
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says

from mcpsecurity.testing import LocalStack

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]


class Chat(NamedTuple):
    """The page of a person who is signed in, and the model that answers."""

    person: WebPerson
    page: Page
    model: ScriptedModel

    async def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Have the model call a tool, and return the call."""
        self.model.turns.extend([calls(("c1", f"Tools-{name}", json.dumps(arguments))), says("So be it.")])
        return await self.person.ask(self.page, f"{name} it")


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[str]:
    async with serving_program("modern_server.py", "sse") as url:
        yield url


@pytest.fixture
async def chat(server: str, local: LocalStack, run_chat: RunChat) -> AsyncIterator[Chat]:
    model = ScriptedModel()
    endpoint = Service(model.app)
    await endpoint.start()
    try:
        async with (
            run_chat(
                mcp_server_url=server,
                mcp_server_scope=local.cloud.scope,
                azure_openai_endpoint=f"http://localhost:{endpoint.port}",
                model_api="chat",
            ) as url,
            WebPerson(url, local.cloud.ca_file) as person,
        ):
            await person.sign_in()
            async with person.page() as page:
                yield Chat(person, page, model)
    finally:
        await endpoint.stop()


async def test_a_call_is_approved_made_once_and_answered(chat: Chat) -> None:
    call = await chat.call("add", a=40, b=2)
    assert await chat.person.decide(call) == 202
    assert (await chat.page.until("tool.done"))["status"] == "done"
    assert (await chat.page.until("run.done"))["status"] == "completed"
    told = [message for message in chat.model.last if message["role"] == "tool"]
    assert [json.loads(message["content"]) for message in told] == [{"result": 42}]


async def test_each_question_of_a_tool_is_a_form_on_the_page_and_belongs_to_its_call(chat: Chat) -> None:
    call = await chat.call("talk")
    assert await chat.person.decide(call) == 202
    for message, answer in (
        ("What is your name?", {"name": "Ada"}),
        ("Ada, which color?", {"color": "blue"}),
    ):
        asked = (await chat.page.until("elicitation.requested"))["elicitation"]
        assert (asked["message"], asked["call_id"]) == (message, call["call_id"])
        path = f"elicitations/{asked['elicitation_id']}"
        assert (await chat.person.command(path, action="accept", content=answer))[0] == 202
    assert (await chat.page.until("tool.done"))["status"] == "done"
    await chat.page.until("run.done")
    assert "Ada likes blue" in chat.model.last[-1]["content"]


async def test_an_answer_that_is_stopped_withdraws_the_question_and_cancels_the_call(chat: Chat) -> None:
    call = await chat.call("talk")
    assert await chat.person.decide(call) == 202
    run_id = (await chat.page.until("elicitation.requested"))["run_id"]
    assert (await chat.person.command(f"runs/{run_id}/stop"))[0] == 202
    assert (await chat.page.until("elicitation.resolved"))["action"] == "cancel"
    assert (await chat.page.until("run.done"))["status"] == "stopped"
    chat.model.turns.clear()
    call = await chat.call("add", a=1, b=2)
    assert await chat.person.decide(call) == 202
    assert (await chat.page.until("tool.done"))["status"] == "done"


async def test_the_page_shows_the_server_as_ready_with_its_tools(chat: Chat) -> None:
    (server,) = chat.page.snapshot["servers"]
    while server["status"] != "ready":
        (server,) = (await chat.page.until("servers.changed"))["servers"]
    assert (server["tools"], server.get("message")) == (7, None)
