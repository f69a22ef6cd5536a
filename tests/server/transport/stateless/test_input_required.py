"""Tools that ask in the middle of their work, run again with the answers."""

import asyncio
from typing import Any

import pytest
from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.shared.exceptions import UrlElicitationRequiredError
from tests.server.transport.stateless.conftest import PREFIX, Connect, accept, envelope
from tests.server.transport.stateless.questions import Color, Name, ToolContext, ask

from mcpsecurity_server.transport import question_key, step


async def test_a_question_ends_the_request_and_its_answer_completes_the_retry(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        return f"Hello, {await ask(ctx, 'What is your name?', Name)}!"

    async with connect(mcp) as client:
        asked = await client.call("greet")
        assert asked.status == 200
        assert asked.result["resultType"] == "input_required"
        assert "ttlMs" not in asked.result
        (question,) = asked.result["inputRequests"].values()
        assert question["method"] == "elicitation/create"
        assert question["params"]["message"] == "What is your name?"
        assert question["params"]["requestedSchema"]["required"] == ["name"]
        done = await client.retry("greet", asked, accept(name="Ada"))
        declined = await client.retry("greet", asked, {"action": "decline"})
    assert done.result["content"][0]["text"] == "Hello, Ada!"
    assert declined.result["content"][0]["text"] == "Hello, decline!"


async def test_questions_one_after_the_other_take_a_round_each(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def talk(ctx: ToolContext) -> str:
        name = await ask(ctx, "Name?", Name)
        return f"{name} likes {await ask(ctx, f'{name}, which color?', Color)}"

    async with connect(mcp) as client:
        first = await client.call("talk")
        second = await client.retry("talk", first, accept(name="Ada"))
        assert second.result["requestState"] != first.result["requestState"]
        done = await client.retry("talk", second, accept(color="blue"))
    assert done.result["content"][0]["text"] == "Ada likes blue"


async def test_all_three_kinds_asked_at_once_are_one_round(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def everything(ctx: ToolContext) -> list[str]:
        text = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Hi"))
        try:
            async with asyncio.TaskGroup() as group:
                name = group.create_task(ask(ctx, "Name?", Name))
                sampled = group.create_task(ctx.session.create_message([text], max_tokens=5))
                roots = group.create_task(ctx.session.list_roots())
        except Exception as error:  # noqa: BLE001 - what careless programs do
            return [str(error)]
        return [name.result(), sampled.result().model, str(roots.result().roots[0].uri)]

    async with connect(mcp) as client:
        asked = await client.call("everything")
        methods = [question["method"] for question in asked.result["inputRequests"].values()]
        assert methods == ["elicitation/create", "sampling/createMessage", "roots/list"]
        sampled = {"role": "assistant", "content": {"type": "text", "text": "Ho"}, "model": "m"}
        done = await client.retry(
            "everything", asked, accept(name="Ada"), sampled, {"roots": [{"uri": "file:///home"}]}
        )
    assert done.result["structuredContent"]["result"] == ["Ada", "m", "file:///home"]


async def test_answers_that_are_missing_or_malformed_are_asked_for_again(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        return await ask(ctx, "Name?", Name)

    async with connect(mcp) as client:
        asked = await client.call("greet")
        key, state = next(iter(asked.result["inputRequests"])), asked.result["requestState"]
        for responses in ({}, {"other": accept(name="Eve")}, {key: 5}, {key: {"action": "maybe"}}, None):
            again = await client.call("greet", inputResponses=responses, requestState=state)
            assert list(again.result["inputRequests"]) == [key], responses
        refused = await client.call("greet", inputResponses=[1], requestState=state)
    assert (refused.status, refused.code) == (400, -32602)


async def test_an_answer_before_the_question_counts_only_under_a_key_of_the_author(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        with question_key("user_name"):
            return await ask(ctx, "Name?", Name)

    @mcp.tool()
    async def approve(ctx: ToolContext) -> str:
        return await ask(ctx, "Delete all?", Name)

    async with connect(mcp) as client:
        known = await client.call("greet", inputResponses={"user_name": accept(name="Ada"), "x": 1})
        assert known.result["content"][0]["text"] == "Ada"
        key = next(iter((await client.call("approve")).result["inputRequests"]))
        foreseen = await client.call("approve", inputResponses={key: accept(name="yes")})
    assert foreseen.result["resultType"] == "input_required"


async def test_an_answer_to_a_question_that_has_changed_since_is_asked_for_again(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    price = iter([10, 99, 99])

    @mcp.tool()
    async def buy(ctx: ToolContext) -> str:
        with question_key("confirm"):
            return await ask(ctx, f"Pay {next(price)}?", Name)

    async with connect(mcp) as client:
        cheap = await client.call("buy")
        dear = await client.retry("buy", cheap, accept(name="yes"))
        assert dear.result["inputRequests"]["confirm"]["params"]["message"] == "Pay 99?"
        bought = await client.retry("buy", dear, accept(name="fine"))
    assert bought.result["content"][0]["text"] == "fine"


async def test_the_same_question_twice_is_two_questions(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def twice(ctx: ToolContext) -> str:
        return f"{await ask(ctx, 'Name?', Name)} {await ask(ctx, 'Name?', Name)}"

    async with connect(mcp) as client:
        first = await client.call("twice")
        second = await client.retry("twice", first, accept(name="Ada"))
        done = await client.retry("twice", second, accept(name="Bob"))
    assert done.result["content"][0]["text"] == "Ada Bob"


async def test_a_step_is_done_once_however_often_the_call_is_run(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    charged: list[int] = []

    async def charge() -> dict[str, int]:
        charged.append(1)
        await asyncio.sleep(0)
        return {"receipt": len(charged)}

    @mcp.tool()
    async def pay(ctx: ToolContext) -> list[Any]:
        first = await step("charge", charge)
        second = await step("charge", charge)
        return [first, second, await ask(ctx, "Name?", Name), await ask(ctx, "Color?", Color)]

    async with connect(mcp) as client:
        asked = await client.call("pay")
        again = await client.retry("pay", asked, accept(name="Ada"))
        done = await client.retry("pay", again, accept(color="red"))
    assert done.result["structuredContent"]["result"] == [{"receipt": 1}, {"receipt": 2}, "Ada", "red"]
    assert len(charged) == 2


async def test_what_was_reported_before_the_question_is_not_reported_again(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def work(ctx: ToolContext) -> str:
        await ctx.report_progress(1, 3)
        await ctx.info("one")
        name = await ask(ctx, "Name?", Name)
        await ctx.report_progress(2, 3)
        await ctx.report_progress(2, 3)
        await ctx.info("two")
        return name

    meta = envelope(elicitation={}) | {"progressToken": "p", f"{PREFIX}logLevel": "info"}
    async with connect(mcp) as client:
        asked = await client.call("work", _meta=meta)
        key = next(iter(asked.result["inputRequests"]))
        done = await client.call(
            "work",
            inputResponses={key: accept(name="Ada")},
            requestState=asked.result["requestState"],
            _meta=meta,
        )
    said = [[m["params"].get("progress", m["params"].get("data")) for m in r.before] for r in (asked, done)]
    assert said == [[1, "one"], [2, "two"]]
    assert done.result["content"][0]["text"] == "Ada"


async def test_log_messages_go_only_to_those_who_ask_for_them(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def work(ctx: ToolContext) -> str:
        await ctx.debug("detail")
        await ctx.error("trouble")
        return "done"

    async with connect(mcp) as client:
        silent = await client.call("work")
        meta = envelope() | {f"{PREFIX}logLevel": "warning"}
        heard = await client.call("work", _meta=meta)
    assert silent.content_type == "application/json"
    assert [m["params"]["data"] for m in heard.before] == ["trouble"]


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_a_url_has_no_id_of_its_own_any_more(connect: Connect, action: str) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def link(ctx: ToolContext) -> str:
        return (await ctx.elicit_url("Sign in", "https://example.com/", str(id(ctx)))).action

    async with connect(mcp) as client:
        asked = await client.call("link")
        (question,) = asked.result["inputRequests"].values()
        assert question["params"] == {"mode": "url", "message": "Sign in", "url": "https://example.com/"}
        done = await client.retry("link", asked, {"action": action})
    assert done.result["content"][0]["text"] == action


async def test_a_url_that_a_tool_requires_by_an_error_is_a_question(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    visited: list[bool] = []

    @mcp.tool()
    async def files() -> str:
        if not visited:
            url = types.ElicitRequestURLParams(
                mode="url", message="Sign in", url="https://example.com/", elicitationId="1"
            )
            raise UrlElicitationRequiredError([url])
        return "files"

    async with connect(mcp) as client:
        asked = await client.call("files")
        again = await client.retry("files", asked, {"action": "accept"})
        assert again.result["inputRequests"] == asked.result["inputRequests"]
        refused = await client.retry("files", again, {"action": "decline"})
        visited.append(True)
        done = await client.retry("files", again, {"action": "accept"})
        client.capabilities = {}
        visited.clear()
        unable = await client.call("files")
    assert refused.result["isError"] is True
    assert done.result["content"][0]["text"] == "files"
    assert (unable.status, unable.code) == (400, -32021)


async def test_a_key_of_the_author_has_its_own_answers_only(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        with question_key("user_name"):
            return await ask(ctx, "Name?", Name)

    async with connect(mcp) as client:
        for wrong in (5, {"action": "maybe"}, None):
            reply = await client.call("greet", inputResponses={"user_name": wrong})
            assert list(reply.result["inputRequests"]) == ["user_name"], wrong
