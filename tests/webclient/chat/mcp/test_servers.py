"""Several MCP servers: each with its own state, and one that fails takes nobody with it."""

import asyncio
from typing import Any

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.visitor import Visitor


async def _catalog(visitor: Visitor) -> dict[str, Any]:
    answer = await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")
    assert answer.status == 200
    return dict(answer.body)


async def test_the_catalogue_is_live_from_every_server(visitor: Visitor) -> None:
    catalog = await _catalog(visitor)
    assert {(s["name"], s["status"]) for s in catalog["servers"]} == {
        ("Tools", "ready"), ("playground", "ready"),
    }  # fmt: skip
    prompt = next(p for p in catalog["prompts"] if p["arguments"])
    assert prompt.keys() == {"server", "name", "title", "description", "arguments"}
    assert prompt["arguments"][0].keys() == {"name", "description", "required"}
    [resource, *_] = catalog["resources"]
    assert resource.keys() == {"server", "uri", "name", "title", "description", "mime_type"}


async def test_a_server_that_is_down_is_shown_as_such_and_the_others_work(
    visitor: Visitor, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    await stack.other_mcp.stop()
    try:
        async with visitor.stream() as stream:
            await visitor.ask("Please generate a random number between 1 and 6")
            call = (await stream.until("tool.proposed"))["call"]
            await visitor.decide(call, "approve")
            assert (await stream.until("run.done"))["status"] == "completed"
        servers = {s["name"]: s for s in (await visitor.snapshot())["servers"]}
        assert (servers["Tools"]["status"], servers["playground"]["status"]) == ("ready", "down")
        # Conversations of other tests may have their connections still, and say so too.
        lines = [(r.levelname, r.getMessage()) for r in caplog.records if "is down" in r.getMessage()]
        assert {level for level, _ in lines} == {"WARNING"}
        assert all("the MCP server playground is down: The MCP server at " in text for _, text in lines)
        assert "does not answer" in servers["playground"]["message"]
        assert {p["server"] for p in (await _catalog(visitor))["prompts"]} == {"Tools"}
    finally:
        await stack.other_mcp.start()
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        assert (await stream.until("tool.proposed"))["call"]["server"] == "playground"


async def test_a_server_that_falls_during_a_call_fails_the_call_and_is_found_again(
    visitor: Visitor, stack: Stack
) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        call = (await stream.until("tool.proposed"))["call"]
        await stack.other_mcp.stop()
        try:
            await visitor.decide(call, "approve")
            assert (await stream.until("tool.done"))["status"] == "failed"
            assert (await stream.until("run.done"))["status"] == "completed"
        finally:
            await stack.other_mcp.start()
        await visitor.ask("Paint a painting")
        call = (await stream.until("tool.proposed"))["call"]
        await visitor.decide(call, "approve")
        assert (await stream.until("tool.done"))["status"] == "done"


async def test_a_server_that_restarted_is_connected_to_again(visitor: Visitor, stack: Stack) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        await stream.until("run.done")
        await stack.other_mcp.stop()
        await stack.other_mcp.start()
        await visitor.ask("Paint a painting")
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        assert (await stream.until("tool.done"))["status"] == "done"


async def test_a_prompt_becomes_the_message(visitor: Visitor) -> None:
    catalog = await _catalog(visitor)
    prompt = next(p for p in catalog["prompts"] if not p["arguments"])
    chosen = {"server": prompt["server"], "name": prompt["name"]}
    async with visitor.stream() as stream:
        answer = await visitor.command("messages", {"text": "", "prompt": {**chosen, "arguments": {}}})
        assert answer.status == 202
        message = (await stream.until("message.added"))["message"]
        assert message["prompt"] == chosen
        assert message["text"] != ""


async def test_a_resource_is_read_to_the_model_and_shown_by_name(visitor: Visitor) -> None:
    resource = (await _catalog(visitor))["resources"][0]
    attachment = {"server": resource["server"], "uri": resource["uri"]}
    async with visitor.stream() as stream:
        answer = await visitor.command("messages", {"text": "hello", "attachments": [attachment]})
        assert answer.status == 202
        message = (await stream.until("message.added"))["message"]
        assert message["attachments"] == [{**attachment, "name": resource["uri"]}]
        assert message["text"] == "hello"
        assert (await stream.until("run.done"))["status"] == "completed"


async def test_a_prompt_the_server_does_not_have_is_refused_with_its_words(visitor: Visitor) -> None:
    body = {"text": "", "prompt": {"server": "Tools", "name": "none"}}
    answer = await visitor.command("messages", body)
    assert (answer.status, answer.error["code"]) == (502, "mcp")


async def test_pictures_errors_and_structured_results_arrive_as_they_are(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        done = await stream.until("tool.done")
        assert [part["type"] for part in done["content"]] == ["image", "text"]
        assert done["content"][0]["mime_type"] == "image/png"
        await stream.until("run.done")
        await visitor.ask("Cause an explosion")
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        done = await stream.until("tool.done")
        assert done["status"] == "failed"
        assert "The powder was wet." in done["content"][0]["text"]
        assert (await stream.until("run.done"))["status"] == "completed"


async def test_two_servers_of_one_name_are_no_configuration(stack: Stack) -> None:
    one = {"name": "Files", "url": "http://localhost:9/mcp"}
    with pytest.raises(ValueError, match="two servers have the same name"):
        stack.web_settings(more_servers=(one, one))
    with pytest.raises(ValueError, match="Tools is the default server: MCP_SERVER_URL"):
        stack.web_settings(more_servers=({**one, "name": "Tools"},))


async def test_nobody_is_asked_for_a_token_when_the_server_needs_none(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with serve_web(mcp_server_scope=None) as url:
        visitor = await visitors(url=url).sign_in()
        catalog = await _catalog(visitor)
        assert {s["name"]: s["status"] for s in catalog["servers"]} == {
            "Tools": "sign_in", "playground": "ready",
        }  # fmt: skip
        refused = next(server for server in catalog["servers"] if server["name"] == "Tools")
        assert "sign_in_url" not in refused
        assert "No sign-in here helps" in refused["message"]


def _status(servers: list[dict[str, Any]], name: str) -> str:
    return str(next(server["status"] for server in servers if server["name"] == name))


async def test_servers_connect_when_a_page_opens_and_list_their_tools(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        first = (await stream.until("snapshot"))["servers"]
        assert {server["status"] for server in first} == {"connecting"}
        servers = first
        while {server["status"] for server in servers} != {"ready"}:
            servers = (await stream.until("servers.changed"))["servers"]
    tools = {server["name"]: server["offers"] for server in servers}
    weather = next(tool for tool in tools["Tools"] if tool["name"] == "get_city_weather")
    assert weather["title"] == "City weather"
    assert weather["description"]
    assert [len(tools[server["name"]]) for server in servers] == [
        min(server["tools"], 12) for server in servers
    ]


@pytest.mark.slow
async def test_a_server_that_is_down_when_the_page_opens_is_said_to_be_and_returns_by_itself(
    visitor: Visitor, stack: Stack
) -> None:
    await stack.other_mcp.stop()
    async with visitor.stream() as stream:
        try:
            servers = (await stream.until("snapshot"))["servers"]
            while _status(servers, "playground") != "down":
                servers = (await stream.until("servers.changed"))["servers"]
        finally:
            await stack.other_mcp.start()
        async with asyncio.timeout(30):
            while _status(servers, "playground") != "ready":
                servers = (await stream.until("servers.changed"))["servers"]


@pytest.mark.slow
async def test_a_server_that_falls_while_a_page_is_open_is_noticed_without_a_message(
    stack: Stack, visitors: NewPerson
) -> None:
    """The next check notices it, 15 seconds after the one before at most."""
    visitor = await visitors().sign_in()
    async with visitor.stream() as stream:
        servers = (await stream.until("snapshot"))["servers"]
        while _status(servers, "playground") != "ready":
            servers = (await stream.until("servers.changed"))["servers"]
    await stack.other_mcp.stop()
    try:
        async with visitor.stream() as stream:
            servers = (await stream.until("snapshot"))["servers"]
            while _status(servers, "playground") != "down":
                servers = (await stream.until("servers.changed"))["servers"]
    finally:
        await stack.other_mcp.start()
