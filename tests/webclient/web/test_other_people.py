"""Every route, with the conversation of somebody else: it answers as if that did not exist."""

from typing import Any

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson
from tests.webclient.visitor import Visitor

from mcpsecurity_webclient.app import create_app

CHAT = "/api/chats/{chat_id}"
DECISION = {"decision": "approve"}
BODIES: dict[str, dict[str, Any]] = {
    "batches/{id}/decision": DECISION,
    "branches": {"after": None, "open": 1},
    "calls/{id}/decision": {**DECISION, "args_hash": "x"},
    "calls/{id}/more-time": {},
    "complete": {"server": "Tools", "kind": "prompt", "of": "x", "name": "x", "values": {}},
    "continue": {},
    "delete": {},
    "elicitations/{id}": {"action": "accept", "content": {}},
    "elicitations/{id}/more-time": {},
    "grants": {"server": "Tools", "tool": "x"},
    "messages": {"text": "hello"},
    "messages/{id}/delete": {},
    "messages/{id}/edit": {"text": "hello"},
    "messages/{id}/feedback": {"feedback": "up"},
    "mode": {"mode": "manual"},
    "model": {"model": "x"},
    "pin": {"pinned": True},
    "queue/{id}/send": {},
    "queue/{id}/take-back": {},
    "regenerate": {},
    "rename": {"title": "x"},
    "retry": {},
    "runs/{id}/stop": {},
    "samplings/{id}": DECISION,
    "samplings/{id}/more-time": {},
    "servers/{name}/sign-out": {},
    "tools": {"server": "Tools", "on": False},
}
"""What is sent to each command of a conversation."""


def routes(stack: Stack, method: str) -> list[str]:
    """Return the paths of the application that name a conversation."""
    named = (route for route in create_app(stack.web_settings()).router.routes() if route.method == method)
    paths = {route.resource.canonical for route in named if route.resource is not None}
    return sorted(path for path in paths if "{chat_id}" in path)


def path_of(route: str, chat_id: str, used: str) -> str:
    filled = route.replace("{chat_id}", chat_id).replace("{name}", "Tools").replace("{id}", used)
    return filled.replace("{number}", "0")


@pytest.fixture
async def proposed(visitor: Visitor) -> dict[str, Any]:
    """A call of the first person that waits for her decision."""
    async with visitor.stream() as stream:
        await visitor.ask("Please generate a random number between 1 and 6")
        call: dict[str, Any] = (await stream.until("tool.proposed"))["call"]
    return call


async def test_no_command_reaches_the_conversation_of_somebody_else(
    visitors: NewPerson, visitor: Visitor, stack: Stack, proposed: dict[str, Any]
) -> None:
    commands = routes(stack, "POST")
    assert {path.removeprefix(f"{CHAT}/") for path in commands} == BODIES.keys()
    other = await visitors().sign_in()
    before = await visitor.snapshot()
    for used in (proposed["call_id"], before["messages"][0]["message_id"], before["run"]["run_id"]):
        for path in commands:
            body = BODIES[path.removeprefix(f"{CHAT}/")]
            theirs = await other.command(path_of(path, visitor.chat_id, used), body)
            none = await other.command(path_of(path, "none", used), body)
            assert (theirs.status, theirs.error["code"]) == (404, "no_such_chat"), path
            assert theirs.body == none.body, path
            own = await other.command(path_of(path, other.chat_id, used), body)
            assert own.status != 500, path
    after = await visitor.snapshot()
    assert [call["status"] for call in after["calls"]] == [proposed["status"]]
    assert (after["mode"], after["title"]) == (before["mode"], before["title"])


async def test_nothing_of_the_conversation_of_somebody_else_can_be_read(
    visitors: NewPerson, visitor: Visitor, stack: Stack, proposed: dict[str, Any]
) -> None:
    reads = routes(stack, "GET")
    assert len(reads) >= 8
    other = await visitors().sign_in()
    for path in reads:
        theirs = await other.get(path_of(path, visitor.chat_id, proposed["call_id"]))
        none = await other.get(path_of(path, "none", proposed["call_id"]))
        assert (theirs.status, theirs.body) == (404, none.body), path
