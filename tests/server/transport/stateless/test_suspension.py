"""How a request ends with a question: what may ask, what is stopped, and that nothing is left afterwards."""

import asyncio
from typing import Any

import pytest
from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.shared.exceptions import McpError
from tests.server.transport.stateless.conftest import Connect, accept, envelope
from tests.server.transport.stateless.questions import Name, ToolContext, ask

from mcpsecurity_server.transport import Limits, step


async def test_a_question_asked_meanwhile_waits_for_a_step_that_is_being_done(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    done = asyncio.Event()
    charged: list[str] = []

    async def charge() -> str:
        await done.wait()
        charged.append("charged")
        return "receipt"

    @mcp.tool()
    async def pay(ctx: ToolContext) -> str:
        asyncio.get_running_loop().call_later(0.05, done.set)
        receipt, name = await asyncio.gather(step("charge", charge), ask(ctx, "Name?", Name))
        return f"{receipt} {name}"

    async with connect(mcp) as client:
        asked = await client.call("pay")
        assert charged == ["charged"]
        finished = await client.retry("pay", asked, accept(name="Ada"))
    assert finished.result["content"][0]["text"] == "receipt Ada"
    assert charged == ["charged"]


async def test_questions_that_follow_one_another_at_once_are_one_round(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    async def a_little_later(ctx: ToolContext) -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        return await ask(ctx, "And yours?", Name)

    @mcp.tool()
    async def meet(ctx: ToolContext) -> list[str]:
        return list(await asyncio.gather(ask(ctx, "Your name?", Name), a_little_later(ctx)))

    async with connect(mcp) as client:
        asked = await client.call("meet")
    texts = [request["params"]["message"] for request in asked.result["inputRequests"].values()]
    assert sorted(texts) == ["And yours?", "Your name?"]


async def test_what_the_client_cannot_be_asked_is_named(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        return await ask(ctx, "Name?", Name)

    @mcp.tool()
    async def link(ctx: ToolContext) -> str:
        return (await ctx.elicit_url("Sign in", "https://example.com/", "id")).action

    async with connect(mcp) as client:
        client.capabilities = {"elicitation": {"form": {}}}
        wrong_mode = await client.call("link")
        client.capabilities = {}
        nothing = await client.call("greet")
    assert (nothing.status, nothing.code) == (400, -32021)
    assert nothing.body["error"]["data"] == {"requiredCapabilities": {"elicitation": {}}}
    assert wrong_mode.body["error"]["data"] == {"requiredCapabilities": {"elicitation": {"url": {}}}}


async def test_a_call_that_asks_without_end_is_ended(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    numbers = iter(range(100))

    @mcp.tool()
    async def restless(ctx: ToolContext) -> str:
        return await ask(ctx, f"Question {next(numbers)}?", Name)

    @mcp.tool()
    async def heavy(ctx: ToolContext) -> str:
        await step("load", lambda: "x" * 2000)
        return await ask(ctx, "Name?", Name)

    async with connect(mcp, limits=Limits(rounds=3, state_bytes=1000)) as client:
        reply = await client.call("restless")
        for _ in range(2):
            reply = await client.retry("restless", reply, accept(name="x"))
        ended = await client.retry("restless", reply, accept(name="x"))
        too_much = await client.call("heavy")
    assert ended.code == -32603
    assert too_much.code == -32603


async def test_prompts_and_resources_may_ask_as_well(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.prompt()
    async def greeting() -> str:
        return f"Greet {await ask(mcp.get_context(), 'Name?', Name)}"

    @mcp.resource("test://mine")
    async def mine() -> str:
        return f"of {await ask(mcp.get_context(), 'Name?', Name)}"

    async with connect(mcp) as client:
        for method, name in (
            ("prompts/get", {"name": "greeting"}),
            ("resources/read", {"uri": "test://mine"}),
        ):
            asked = await client.request(method, name)
            assert "ttlMs" not in asked.result
            answers = {key: accept(name="Ada") for key in asked.result["inputRequests"]}
            retry = {"inputResponses": answers, "requestState": asked.result["requestState"]}
            done = await client.request(method, name | retry)
            assert "Ada" in str(done.result)
            client.capabilities, kept = {}, client.capabilities
            assert (await client.request(method, name)).code == -32021
            client.capabilities = kept


async def test_a_question_leaves_nothing_to_the_next_request_of_the_connection(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        return await ask(ctx, "Name?", Name)

    @mcp.tool()
    async def cancelling() -> int:
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    async with connect(mcp) as client:
        await client.call("greet")
        reply = await client.call("cancelling")
    assert reply.result["structuredContent"] == {"result": 0}


@pytest.mark.slow
async def test_a_tool_that_does_not_end_is_answered_without_it(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    end = asyncio.Event()

    @mcp.tool()
    async def endless(ctx: ToolContext) -> str:
        try:
            return await ask(ctx, "Name?", Name)
        finally:
            while not end.is_set():
                try:
                    await end.wait()
                except asyncio.CancelledError:
                    continue

    async with connect(mcp) as client, asyncio.timeout(30):
        asked = await client.call("endless")
        assert not end.is_set()
        end.set()
        done = await client.retry("endless", asked, accept(name="Ada"))
    assert done.result["content"][0]["text"] == "Ada"


async def test_a_tool_that_goes_on_after_it_was_cancelled_is_answered_all_the_same(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def stubborn(ctx: ToolContext) -> str:
        try:
            return await ask(ctx, "Name?", Name)
        except BaseException:  # noqa: BLE001 - what no program should do
            return "swallowed"

    async with connect(mcp) as client:
        asked = await client.call("stubborn")
        assert asked.result["resultType"] == "input_required"
        done = await client.retry("stubborn", asked, accept(name="Ada"))
    assert done.result["content"][0]["text"] == "Ada"


async def test_only_tools_prompts_and_resources_may_ask(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    failures: list[str] = []

    @mcp.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK has no types for it
    async def complete(ref: Any, argument: Any, context: Any) -> types.Completion:
        try:
            await mcp.get_context().elicit("Name?", Name)
        except McpError as error:
            failures.append(error.error.message)
        return types.Completion(values=["done"])

    @mcp.tool()
    async def ping(ctx: ToolContext) -> str:
        try:
            await ctx.session.send_ping()
        except McpError as error:
            return error.error.message
        return "pong"

    async with connect(mcp) as client:
        params = {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}}
        completed = await client.request("completion/complete", params)
        pinged = await client.call("ping")
    assert completed.result["completion"]["values"] == ["done"]
    assert failures == ["elicitation/create cannot be asked of the client here"]
    assert pinged.result["content"][0]["text"] == "ping cannot be asked of the client here"


async def test_nothing_is_asked_or_said_after_the_answer(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    late: list[asyncio.Task[str]] = []
    answered = asyncio.Event()

    async def afterwards(ctx: ToolContext) -> str:
        await answered.wait()
        await ctx.info("too late")
        try:
            return await ask(ctx, "Name?", Name)
        except McpError as error:
            return error.error.message

    @mcp.tool()
    async def leave(ctx: ToolContext) -> str:
        late.append(asyncio.create_task(afterwards(ctx)))
        return "left"

    async with connect(mcp) as client, asyncio.timeout(30):
        assert (await client.call("leave")).result["content"][0]["text"] == "left"
        answered.set()
        assert await late[0] == "The request has ended"


async def test_a_question_in_a_task_that_nobody_waits_for_ends_with_the_request(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    asking: list[asyncio.Task[str]] = []

    @mcp.tool()
    async def leave(ctx: ToolContext) -> str:
        asking.append(asyncio.create_task(ask(ctx, "Name?", Name)))
        await asyncio.sleep(0)
        return "left"

    async with connect(mcp) as client, asyncio.timeout(30):
        assert (await client.call("leave")).result["content"][0]["text"] == "left"
        await asyncio.wait(asking)
    assert asking[0].cancelled()


async def test_the_announcement_of_a_page_that_is_done_is_gone(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def visit(ctx: ToolContext) -> str:
        await ctx.session.send_elicit_complete("1")
        return "visited"

    async with connect(mcp) as client:
        assert (await client.call("visit")).content_type == "application/json"


async def test_a_handler_does_not_see_which_revision_called_it(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def seen(ctx: ToolContext) -> list[str]:
        await ask(ctx, "Name?", Name)
        meta = ctx.request_context.meta
        return sorted(meta.model_extra or {}) if meta is not None else ["nothing"]

    async with connect(mcp) as client:
        asked = await client.call("seen")
        plain = await client.retry("seen", asked, accept(name="Ada"))
        key, state = next(iter(asked.result["inputRequests"])), asked.result["requestState"]
        meta = envelope(elicitation={}) | {"example.com/own": 1}
        answered = {"inputResponses": {key: accept(name="Ada")}, "requestState": state}
        own = await client.call("seen", _meta=meta, **answered)
    assert plain.result["structuredContent"]["result"] == ["nothing"]
    assert own.result["structuredContent"]["result"] == ["example.com/own"]
