"""Tools that ask in the middle of their work, run again with the answers."""

import asyncio
from typing import Any

import pytest
from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from pydantic import BaseModel
from tests.transport.stateless.conftest import PREFIX, Connect, accept, envelope

from mcpsecurity_server.transport import Limits, question_key, step

ToolContext = Context[Any, Any, Any]


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


async def ask(ctx: ToolContext, text: str, form: type[BaseModel]) -> str:
    answer = await ctx.elicit(text, form)
    if answer.action != "accept":
        return answer.action
    return str(next(iter(answer.data.model_dump().values())))


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

    async with connect(mcp) as client, asyncio.timeout(10):
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

    async with connect(mcp) as client, asyncio.timeout(10):
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

    async with connect(mcp) as client, asyncio.timeout(10):
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
