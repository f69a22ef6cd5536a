"""The web chat uses foreign servers: one that the demo's command line names, and all beside each other."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.browser.stack import Service
from tests.foreign.running import Running, started
from tests.foreign.servers import SERVERS
from tests.integration.test_demo import running_demo
from tests.webclient.conftest import RunChat
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says

from mcpsecurity.kernel import function_name
from mcpsecurity.testing import LocalStack

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]


async def test_the_demo_uses_a_server_that_its_command_line_names(tmp_path: Path) -> None:
    model = ScriptedModel()
    async with AsyncExitStack() as opened:
        server = await opened.enter_async_context(started(SERVERS[0], tmp_path))
        model_url = f"http://localhost:{await _served(model, opened)}/openai/v1"
        options = ("--model-url", model_url, "--model", "scripted")
        named = ("--mcp-server", f"{server.server.name}={server.url}")
        _, ready, _ = await opened.enter_async_context(running_demo(tmp_path, *options, *named))
        person = await opened.enter_async_context(WebPerson(ready["webclient"], Path(ready["ca_file"])))
        await person.sign_in()
        read = await _one_call(person, model, server)
    assert read == "Echo: Grüße 👋"


@pytest.mark.foreign
@pytest.mark.parametrize("first", [0, 1])
async def test_a_conversation_uses_a_tool_of_each_server(
    local: LocalStack, run_chat: RunChat, tmp_path: Path, first: int
) -> None:
    """Half of the servers at a time: of more than 128 tools the model would have to search some."""
    model = ScriptedModel()
    async with AsyncExitStack() as opened:
        running = []
        for server in SERVERS[first::2]:
            (folder := tmp_path / server.name).mkdir()
            running.append(await opened.enter_async_context(started(server, folder)))
        base = f"http://localhost:{await _served(model, opened)}/openai/v1"
        entry = {"name": "m", "base_url": base, "model": "m", "key": "k", "context_window": 1_000_000}
        servers = tuple({"name": run.server.name, "url": run.url} for run in running)
        chat = run_chat(listed_models=[entry], more_servers=servers, commands_per_minute=1e6)
        person = await opened.enter_async_context(WebPerson("", local.cloud.ca_file))
        person.url = await opened.enter_async_context(chat)
        await person.sign_in()
        for run in running:
            assert await _one_call(person, model, run), run.server.name
    assert model.refused == []


async def _served(model: ScriptedModel, opened: AsyncExitStack) -> int:
    endpoint = Service(model.app)
    await endpoint.start()
    opened.push_async_callback(endpoint.stop)
    return endpoint.port


async def _one_call(person: WebPerson, model: ScriptedModel, running: Running) -> str:
    """Let the model call the server's first tool, approve it, and return what the model reads."""
    name, given = running.server.uses.calls[0]
    plugin = running.server.name.replace("-", "_")
    model.turns.append(calls(("c1", f"{plugin}-{function_name(name)}", json.dumps(running.filled(given)))))
    model.turns.append(says("I see."))
    async with person.page() as page:
        await _ready(page, running.server.name)
        call = await person.ask(page, f"Use {running.server.name}.")
        assert call["tool"] == name
        assert await person.decide(call) == 202
        done = await page.until("tool.done")
        assert done["status"] == "done", (running.server.name, done)
        assert (await page.until("run.done"))["status"] == "completed"
    assert model.last[-1]["role"] == "tool"
    return str(model.last[-1]["content"])


async def _ready(page: Page, name: str) -> None:
    """Wait for the server's tools: an answer goes on without a server that takes long to connect."""
    servers = page.snapshot["servers"]
    while not any(server["name"] == name and server["status"] == "ready" for server in servers):
        servers = (await page.until("servers.changed"))["servers"]
