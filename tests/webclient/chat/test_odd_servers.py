"""A server that is odd, silent or refuses stays alone with that: the conversation goes on without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from mcp.types import BlobResourceContents, EmbeddedResource, TextResourceContents
from tests.browser.stack import Service, Stack
from tests.support.eventually import eventually
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.oddity import Odd, tool
from tests.webclient.visitor import Visitor

from mcpsecurity_webclient.chat.mcp.servers import attached_text, block_text

Beside = Callable[..., Any]


@pytest.fixture
async def beside(visitors: NewPerson, serve_web: ServeWeb) -> AsyncIterator[Beside]:
    """Signs somebody in at a chat with our server and others: `await beside(odd, scope=…)`."""
    async with AsyncExitStack() as opened:

        async def start(*odds: Odd, **options: Any) -> Visitor:
            more = []
            for number, odd in enumerate(odds):
                service = Service(odd.app)
                await service.start()
                opened.push_async_callback(service.stop)
                url = f"http://localhost:{service.port}/mcp"
                more.append({"name": f"odd{number}", "url": url, **options})
            url = await opened.enter_async_context(serve_web(more_servers=tuple(more)))
            return await visitors(url=url).sign_in()

        yield start


async def _said(visitor: Visitor, stream: EventStream, text: str = "hello") -> float:
    """Say something, see it answered, and return the seconds that took."""
    begin = time.monotonic()
    await visitor.ask(text)
    assert (await stream.until("run.done"))["status"] == "completed"
    return time.monotonic() - begin


async def _state(visitor: Visitor, name: str = "odd0") -> dict[str, Any]:
    servers = (await visitor.snapshot())["servers"]
    return next(dict(s) for s in servers if s["name"] == name)


async def _our_tool_works(visitor: Visitor, stream: EventStream) -> None:
    await visitor.ask("Please generate a random number between 1 and 6")
    await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
    assert (await stream.until("tool.done"))["status"] == "done"
    assert (await stream.until("run.done"))["status"] == "completed"


@pytest.mark.parametrize("scoped", [False, True])
async def test_a_401_of_another_server_is_its_own(beside: Beside, stack: Stack, scoped: bool) -> None:
    odd = Odd()
    odd.results["initialize"] = 401
    visitor = await beside(odd, scope=stack.cloud.scope if scoped else None)
    async with visitor.stream() as stream:
        await _our_tool_works(visitor, stream)
        await _said(visitor, stream)
        assert "session.expired" not in stream.names
    assert (await _state(visitor))["status"] == "sign_in"
    assert (await _state(visitor, "Tools"))["status"] == "ready"


@pytest.mark.parametrize(
    ("tools", "left_out"),
    [
        ([{"name": "bad", "inputSchema": 7}, tool("good")], ["bad"]),
        ([tool("a", properties={"$filter": {"type": "string"}}), tool("good")], None),
        ([tool("a", required=None), tool("b", properties=None), tool("good")], None),
        ([tool("x", type="array"), tool("good")], ["x"]),
    ],
)
async def test_one_odd_tool_takes_no_other_with_it(beside: Beside, tools: list[Any], left_out: Any) -> None:
    odd = Odd(tools={})
    odd.results["tools/list"] = {"tools": tools}
    visitor = await beside(odd)
    async with visitor.stream() as stream:
        await _our_tool_works(visitor, stream)
    state = await _state(visitor)
    assert (state["status"], state.get("left_out")) == ("ready", left_out)
    assert all(name in state["message"] for name in left_out or ())


@pytest.mark.parametrize("result", [{"tools": 7}, [], 500, 302, 404])
async def test_a_malformed_listing_leaves_its_server_down_with_a_sentence(
    beside: Beside, result: Any
) -> None:
    odd = Odd(tools={})
    odd.results["tools/list"] = result
    visitor = await beside(odd)
    async with visitor.stream() as stream:
        await _our_tool_works(visitor, stream)
    state = await _state(visitor)
    assert state["status"] == "down"
    assert state["message"].endswith((".", "?"))


async def test_the_catalogue_has_what_the_other_servers_list(beside: Beside) -> None:
    odd = Odd(tools={})
    odd.results |= {"tools/list": {"tools": []}, "resources/list": {"resources": 7}}
    odd.results["prompts/list"] = {"prompts": [{"name": "p", "arguments": "none"}, {"name": "q"}]}
    visitor = await beside(odd)
    answer = await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")
    assert answer.status == 200
    assert {r["server"] for r in answer.body["resources"]} == {"Tools"}
    assert {"Tools", "odd0"} == {p["server"] for p in answer.body["prompts"]}


@pytest.mark.parametrize(
    "capabilities", [{"prompts": {}}, {"resources": {}}, {"tools": {}, "prompts": {}}, {}]
)
async def test_a_server_without_tools_is_ready(beside: Beside, capabilities: dict[str, Any]) -> None:
    odd = Odd(**capabilities)
    odd.results["prompts/list"] = {"prompts": [{"name": "greet"}]}
    visitor = await beside(odd)
    async with visitor.stream() as stream:
        await _our_tool_works(visitor, stream)
    assert ((await _state(visitor))["status"], (await _state(visitor))["tools"]) == ("ready", 0)
    answer = await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")
    assert "greet" in {p["name"] for p in answer.body["prompts"]}


@pytest.mark.slow
async def test_a_silent_server_is_not_waited_for_and_is_there_when_it_speaks_again(beside: Beside) -> None:
    odd = Odd(tools={})
    odd.results["tools/list"] = {"tools": [tool("good")]}
    odd.silent = True
    visitor = await beside(odd, timeout=6)
    async with visitor.stream() as stream:
        assert await _said(visitor, stream) < 6
        second = await _said(visitor, stream)
        await stream.until("servers.changed")
        assert (await _state(visitor))["status"] in ("connecting", "down")
        # The first message waits for such a server for 2.5 seconds, those after it do not.
        assert min(second, await _said(visitor, stream)) < 2.5
        servers: list[dict[str, Any]] = []
        odd.silent = False
        async with asyncio.timeout(30):
            while not any(s["name"] == "odd0" and s["status"] == "ready" for s in servers):
                servers = (await stream.until("servers.changed"))["servers"]
        assert (await _state(visitor))["tools"] == 1


@pytest.mark.slow
async def test_a_server_that_is_down_is_looked_at_less_and_less(beside: Beside) -> None:
    odd = Odd(tools={})
    odd.results["initialize"] = 500
    visitor = await beside(odd)
    async with visitor.stream() as stream:
        await _said(visitor, stream)
    looked = len(odd.asked)
    await eventually(lambda: len(odd.asked) >= looked + 2)
    assert set(odd.asked) == {"initialize"}
    assert odd.asked_at[looked + 1] - odd.asked_at[looked] > 1.9, "the first pause is one second"


async def test_no_more_tools_than_a_model_takes_are_offered_and_the_others_are_searched(
    beside: Beside, stack: Stack
) -> None:
    many, more = Odd(tools={}), Odd(tools={})
    many.results["tools/list"] = {"tools": [tool(f"many{n}") for n in range(100)]}
    more.results["tools/list"] = {"tools": [tool(f"more{n}") for n in range(100)]}
    visitor = await beside(many, more)
    async with visitor.stream() as stream:
        await _our_tool_works(visitor, stream)
    servers = (await visitor.snapshot())["servers"]
    assert [s["tools"] for s in servers[-2:]] == [100, 100]
    assert [s.get("searched", 0) for s in servers] == [0] * (len(servers) - 2) + [100, 100]
    assert [s.get("left_out") for s in servers] == [None] * len(servers)


PNG = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
NOTES = {"type": "resource", "resource": {"uri": "file:///notes", "text": "Buy milk."}}
BLOB = {"type": "resource", "resource": {"uri": "file:///a", "blob": "AAAA", "mimeType": "application/pdf"}}


async def test_all_of_a_prompt_is_passed_on_or_named(beside: Beside) -> None:
    odd = Odd(prompts={})
    given: list[Any] = []

    def prompt(params: dict[str, Any]) -> dict[str, Any]:
        given.append(params["arguments"])
        return {"messages": [{"role": "user", "content": part} for part in (NOTES, PNG, BLOB)]}

    odd.results["prompts/get"] = prompt
    visitor = await beside(odd)
    arguments = {"who": " Bob ", "empty": ""}
    async with visitor.stream() as stream:
        body = {"text": "", "prompt": {"server": "odd0", "name": "p", "arguments": arguments}}
        assert (await visitor.command("messages", body)).status == 202
        text = (await stream.until("message.added"))["message"]["text"]
        await stream.until("run.done")
    assert text.split("\n\n") == [
        "Buy milk.",
        "[image of type image/png, which the model cannot see]",
        "[resource of type application/pdf, which the model cannot see]",
    ]
    assert given == [arguments]


async def test_a_binary_attachment_is_named_to_the_model(beside: Beside) -> None:
    odd = Odd(resources={})
    odd.results["resources/read"] = {"contents": [BLOB["resource"]]}
    visitor = await beside(odd)
    async with visitor.stream() as stream:
        body = {"text": "hello", "attachments": [{"server": "odd0", "uri": "file:///a"}]}
        assert (await visitor.command("messages", body)).status == 202
        assert (await stream.until("run.done"))["status"] == "completed"


def test_what_the_model_reads_of_an_attachment() -> None:
    blob = BlobResourceContents.model_validate(BLOB["resource"])
    notes = TextResourceContents.model_validate(NOTES["resource"])
    assert attached_text("file:///a", [notes, blob]).split("\n\n")[1:] == [
        "Buy milk.", "[resource of type application/pdf, which the model cannot see]",
    ]  # fmt: skip
    assert attached_text("file:///a", []).endswith("[it is empty]")
    long = notes.model_copy(update={"text": "x" * 2**20})
    assert attached_text("file:///a", [long]).endswith("x" * 2**20)
    assert attached_text("file:///a", [long] * 2).endswith("x\n[the rest is left out]")
    assert block_text(EmbeddedResource(type="resource", resource=long)).endswith("x\n[the rest is left out]")
