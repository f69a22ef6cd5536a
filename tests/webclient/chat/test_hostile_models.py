"""Hostile streams of a model: each answer ends, each call is the person's decision, the conversation goes on.

`HOSTILE_EXAMPLES` says how many conversations are tried.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.browser.stack import Service
from tests.support.eventually import eventually
from tests.webclient.conftest import RunChat
from tests.webclient.mutants import turns
from tests.webclient.oddity import Odd, tool
from tests.webclient.person import Page, WebPerson
from tests.webclient.standin import Standin, Turn, page, says

from mcpsecurity.testing import LocalStack

EXAMPLES = settings(
    max_examples=int(os.environ.get("HOSTILE_EXAMPLES", "20")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TOOLS = ("note", "look_up", "pay")
SECONDS = 60.0
ENDED = ("done", "failed", "declined", "cancelled")

Prompt = tuple[list[Turn], list[str]]
prompts = st.tuples(
    st.lists(turns(), min_size=1, max_size=3),
    st.lists(st.sampled_from(["approve", "approve", "decline", "always", "stop"]), min_size=1, max_size=3),
)


class Target:
    """A chat with a stand-in model and a server of three tools, and a person who is signed in."""

    def __init__(self, person: WebPerson, model: Standin) -> None:
        self.person = person
        self.model = model
        self.made: Counter[tuple[str, str]] = Counter()
        self.server = Odd(tools={})
        loose = {"additionalProperties": True}
        self.server.results["tools/list"] = {"tools": [tool(name, **loose) for name in TOOLS]}
        self.server.results["tools/call"] = self._call

    def _call(self, params: dict[str, Any]) -> dict[str, Any]:
        self.made[params["name"], _exactly(params["arguments"])] += 1
        return {"content": [{"type": "text", "text": "Noted."}], "isError": params["name"] == "pay"}


@pytest.fixture(scope="module")
async def target(local: LocalStack, run_chat: RunChat) -> AsyncIterator[Target]:
    """Everything runs; nothing of it is left when it has been closed."""
    before = asyncio.all_tasks()
    async with AsyncExitStack() as running:
        person = await running.enter_async_context(WebPerson("", local.cloud.ca_file))
        target = Target(person, Standin())
        endpoint, server = Service(target.model.app), Service(target.server.app)
        for service in (endpoint, server):
            await service.start()
            running.push_async_callback(service.stop)
        changes = {
            "azure_openai_endpoint": f"http://localhost:{endpoint.port}",
            "model_api": "chat",
            "mcp_server_url": f"http://localhost:{server.port}/mcp",
            "model_timeout": 2.5,
            "commands_per_minute": 1e6,
        }
        async with run_chat(**changes) as person.url:
            await person.sign_in()
            yield target
        await eventually(lambda: not endpoint.connections and not server.connections, seconds=SECONDS)
    try:
        await eventually(lambda: not _tasks_since(before), seconds=SECONDS)
    except TimeoutError:
        raise AssertionError(f"tasks are left: {_tasks_since(before)}") from None


def _tasks_since(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Return new tasks, but for those of connections: services of other tests run in this loop, too."""
    current = {task for task in (asyncio.current_task(),) if task is not None}
    return {
        task
        for task in asyncio.all_tasks() - before - current
        if getattr(task.get_coro(), "__qualname__", "") != "RequestHandler.start"
    }


class Listener:
    """Reads one conversation's events and decides its calls, each as the next of `decisions` says."""

    def __init__(self, target: Target, page: Page) -> None:
        self.person, self.page = target.person, page
        self.approved: Counter[tuple[str, str]] = Counter()
        self.declined: Counter[tuple[str, str]] = Counter()
        self.calls: dict[str, tuple[str, str]] = {}
        self.open_messages: set[str] = set()

    async def until_done(self, run_id: str, decisions: list[str]) -> dict[str, Any]:
        """Return how the run ended."""
        number = 0
        while True:
            name, data = await self.page.next()
            match name:
                case "tool.proposed":
                    await self._decide(data["call"], decisions[number % len(decisions)], run_id)
                    number += 1
                case "tool.decided":
                    which = self.calls[data["call_id"]][0], _exactly(data["arguments"])
                    (self.approved if data["decision"] == "approved" else self.declined)[which] += 1
                case "toast" | "session.expired":
                    raise AssertionError(data)
                case "message.delta":
                    self.open_messages.add(data["message_id"])
                case "message.done":
                    self.open_messages.discard(data["message"]["message_id"])
                case "run.done":
                    assert not self.open_messages
                    return data

    async def _decide(self, call: dict[str, Any], decision: str, run_id: str) -> None:
        assert (call["server"], call["tool"] in TOOLS) == ("Tools", True), call
        self.calls[call["call_id"]] = call["tool"], _exactly(call["arguments"])
        if decision == "stop":
            status, _ = await self.person.command(f"runs/{run_id}/stop")
            assert status in (200, 202, 409)
            return
        always = {"always": True} if decision == "always" else {}
        status = await self.person.decide(call, "decline" if decision == "decline" else "approve", **always)
        assert status in (202, 409), status


@EXAMPLES
@given(conversation=st.lists(prompts, min_size=1, max_size=3))
async def test_no_answer_of_a_model_harms_the_conversation(
    target: Target, conversation: list[Prompt]
) -> None:
    person, model = target.person, target.model
    target.made.clear()
    model.refused.clear()
    await person.new_chat()
    async with asyncio.timeout(SECONDS * (len(conversation) + 1)), person.page() as opened:
        listener = Listener(target, opened)
        for answers, decisions in conversation:
            model.turns.extend(answers)
            await _said(listener, decisions)
            assert model.refused == []
            model.turns.clear()
        # The first may be taken for the summary of a long conversation.
        model.turns.extend([says("All is well.")] * 3)
        ending = await _said(listener, ["decline"])
        model.turns.clear()
    assert model.refused == []
    assert (ending["status"], ending.get("error")) == ("completed", None)
    assert target.made <= listener.approved
    assert not set(target.made) & (set(listener.declined) - set(listener.approved))
    await _is_at_rest(person)
    assert (await person.command("delete"))[0] == 202


@pytest.mark.parametrize("where", ["/elsewhere", "http://127.0.0.1:{port}/elsewhere"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_of_the_models_address_is_not_followed(
    target: Target, status: int, where: str
) -> None:
    elsewhere = Standin()
    service = Service(elsewhere.app)
    await service.start()
    target.model.turns.append(page("", status, Location=where.format(port=service.port)))
    error = await _failure(target)
    await service.stop()
    assert (error["code"], error["retryable"]) == ("model_not_found", True)
    assert "leads to another one" in error["message"]
    assert elsewhere.refused == target.model.refused == []


@pytest.mark.parametrize("status", [200, 400, 401, 409, 429])
async def test_an_answer_that_breaks_off_in_its_first_bytes_is_told(target: Target, status: int) -> None:
    target.model.turns.append(Turn((b'{"error": {',), status, ending="cut"))
    assert (await _failure(target))["code"] == "model_broke_off"


async def _failure(target: Target) -> dict[str, Any]:
    """Say something in a new conversation and return what goes wrong."""
    target.model.refused.clear()
    await target.person.new_chat()
    async with target.person.page() as opened:
        return dict((await _said(Listener(target, opened), ["decline"]))["error"])


async def _said(listener: Listener, decisions: list[str]) -> dict[str, Any]:
    status, body = await listener.person.command("messages", text="Go on.")
    assert status == 202, body
    async with asyncio.timeout(SECONDS):
        ending = await listener.until_done(body["run_id"], decisions)
    assert (ending.get("error") or {}).get("code") != "internal", ending
    return ending


async def _is_at_rest(person: WebPerson) -> None:
    """A page that opens now, and the exported file, have all of it and nothing that goes on."""
    async with person.page() as opened:
        snapshot = opened.snapshot
    assert snapshot["run"] is None
    assert all(call["status"] in ENDED for call in snapshot["calls"])
    assert snapshot["messages"][-1]["text"] == "All is well."
    for form in ("json", "markdown"):
        async with person.http.get(
            f"{person.url}/api/chats/{person.chat_id}/export?format={form}"
        ) as response:
            assert response.status == 200
            assert "All is well." in await response.text()


def _exactly(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
