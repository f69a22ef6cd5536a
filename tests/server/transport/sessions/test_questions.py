"""What a server asks of a client in the middle of a call: forms, pages to visit, samples, roots, pings."""

import asyncio
from typing import Any

import pytest
from mcp import types
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from tests.server.transport.conftest import Serve
from tests.server.transport.program import Name, ToolContext, program
from tests.server.transport.stream_client import Stream

URL = types.ElicitRequestURLParams(
    mode="url", message="Please sign in", url="https://sign-in.example", elicitationId="e1"
)


def text_of(answer: Any) -> str:
    """Return the text of a tool's result."""
    return str(answer["result"]["content"][0]["text"])


async def test_an_answer_reaches_the_call_that_asked(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize(elicitation={})
        async with (
            Stream(served.call("greet", headers, id=1)) as first,
            Stream(served.call("greet", headers, id=2)) as second,
        ):
            questions = [await first.message(), await second.message()]
            assert questions[0]["params"]["message"] == "Who are you?"
            for question, name in zip(reversed(questions), ("Bob", "Ada"), strict=True):
                answer = {"id": question["id"], "result": {"action": "accept", "content": {"name": name}}}
                assert await served.status(served.post(answer, headers)) == 202
            assert text_of(await first.message()) == "Hello Ada"
            assert text_of(await second.message()) == "Hello Bob"


async def test_a_session_cannot_answer_what_another_was_asked(serve: Serve) -> None:
    async with serve(program()) as served:
        mine, theirs = await served.initialize(elicitation={}), await served.initialize(elicitation={})
        async with Stream(served.call("greet", mine)) as stream:
            question = await stream.message()
            for headers, name in ((theirs, "Eve"), (mine, "Ada"), (mine, "Late")):
                answer = {"id": question["id"], "result": {"action": "accept", "content": {"name": name}}}
                assert await served.status(served.post(answer, headers)) == 202
            assert text_of(await stream.message()) == "Hello Ada"


async def test_an_error_of_the_client_is_an_error_for_the_tool(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        try:
            await ctx.elicit("Who are you?", Name)
        except McpError as error:
            return f"{error.error.code} {error.error.message} {error.error.data}"
        return "answered"

    async with serve(program(act=act)) as served:
        headers = await served.initialize(elicitation={})
        async with Stream(served.call("act", headers)) as stream:
            question = await stream.message()
            error = {"code": -32000, "message": "no screen", "data": [1]}
            assert await served.status(served.post({"id": question["id"], "error": error}, headers)) == 202
            assert text_of(await stream.message()) == "-32000 no screen [1]"


async def test_an_answer_of_the_wrong_form_fails_the_call_and_not_the_server(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize(elicitation={})
        wrongs: list[Any] = [
            {},
            {"action": "x"},
            {"action": "accept", "content": {"name": {}}},
            [],
            None,
            "x",
        ]
        for wrong in wrongs:
            async with Stream(served.call("greet", headers)) as stream:
                question = await stream.message()
                assert (
                    await served.status(served.post({"id": question["id"], "result": wrong}, headers)) == 202
                )
                assert (await stream.message())["result"]["isError"]


@pytest.mark.parametrize(
    ("capabilities", "missing"),
    [
        ({}, "elicitation"),
        ({"elicitation": {"url": {}}}, "elicitation.form"),
    ],
)
async def test_a_client_is_not_asked_what_it_has_not_declared(
    serve: Serve, capabilities: dict[str, Any], missing: str
) -> None:
    async with serve(program()) as served:
        headers = await served.initialize(**capabilities)
        answer = await served.result("tools/call", {"name": "greet"}, headers)
    assert text_of(answer) == f"Error executing tool greet: The client does not support {missing}"


@pytest.mark.parametrize(
    ("ask", "missing"),
    [
        (lambda ctx: ctx.session.list_roots(), "roots"),
        (lambda ctx: ctx.session.create_message([], max_tokens=1), "sampling"),
        (lambda ctx: ctx.elicit_url("Sign in", "https://x.example", "e"), "elicitation.url"),
    ],
)
async def test_nothing_is_asked_without_its_capability(serve: Serve, ask: Any, missing: str) -> None:
    async def act(ctx: ToolContext) -> str:
        with pytest.raises(McpError) as caught:
            await ask(ctx)
        return str(caught.value)

    async with serve(program(act=act)) as served:
        headers = await served.initialize(elicitation={})
        answer = await served.result("tools/call", {"name": "act"}, headers)
    assert text_of(answer) == f"The client does not support {missing}"


async def test_a_tool_sends_the_person_to_a_page_and_hears_of_the_visit(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        result = await ctx.elicit_url("Please sign in", "https://sign-in.example", "e1")
        await ctx.session.send_elicit_complete("e1", related_request_id=ctx.request_id)
        return result.action

    async with serve(program(act=act)) as served:
        headers = await served.initialize(elicitation={"url": {}})
        async with Stream(served.call("act", headers)) as stream:
            question = await stream.message()
            assert question["params"] == {
                "mode": "url", "message": "Please sign in",
                "url": "https://sign-in.example", "elicitationId": "e1",
            }  # fmt: skip
            answer = {"id": question["id"], "result": {"action": "accept"}}
            assert await served.status(served.post(answer, headers)) == 202
            complete = await stream.message()
            assert complete["method"] == "notifications/elicitation/complete"
            assert complete["params"]["elicitationId"] == "e1"
            assert text_of(await stream.message()) == "accept"


async def test_a_tool_that_needs_a_visit_first_says_so_with_an_error(serve: Serve) -> None:
    async def act(_: ToolContext) -> str:
        raise UrlElicitationRequiredError([URL])

    async with serve(program(act=act)) as served:
        answer = await served.result("tools/call", {"name": "act"}, await served.initialize())
    assert answer["error"]["code"] == -32042
    assert answer["error"]["data"]["elicitations"][0]["url"] == "https://sign-in.example"


async def test_a_tool_pings_the_client(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        await ctx.session.send_ping()
        return "alive"

    async with serve(program(act=act)) as served:
        headers = await served.initialize()
        async with Stream(served.call("act", headers)) as stream:
            ping = await stream.message()
            assert ping["method"] == "ping"
            assert await served.status(served.post({"id": ping["id"], "result": {}}, headers)) == 202
            assert text_of(await stream.message()) == "alive"


async def test_what_is_asked_after_the_answer_goes_to_the_standalone_stream(serve: Serve) -> None:
    later: list[asyncio.Task[Any]] = []
    answered = asyncio.Event()

    async def act(ctx: ToolContext) -> str:
        async def ask() -> str:
            await answered.wait()
            await ctx.info("still here")
            await ctx.report_progress(1)
            result = await ctx.elicit("Who are you?", Name)
            return result.data.name if result.action == "accept" else result.action

        later.append(asyncio.create_task(ask()))
        return "at once"

    async with serve(program(act=act)) as served:
        headers = await served.initialize(elicitation={})
        async with Stream(served.get(headers)) as standalone:
            params = {"name": "act", "_meta": {"progressToken": "p"}}
            assert text_of(await served.result("tools/call", params, headers)) == "at once"
            answered.set()
            assert (await standalone.message())["params"]["data"] == "still here"
            question = await standalone.message()
            answer = {"id": question["id"], "result": {"action": "accept", "content": {"name": "Ada"}}}
            assert await served.status(served.post(answer, headers)) == 202
            async with asyncio.timeout(30):
                assert await later[0] == "Ada"


async def test_ending_the_session_ends_the_wait_for_an_answer(serve: Serve) -> None:
    later: list[asyncio.Task[Any]] = []

    async def act(ctx: ToolContext) -> str:
        later.append(asyncio.create_task(ctx.session.elicit_form("x", {"type": "object", "properties": {}})))
        return "at once"

    async with serve(program(act=act)) as served:
        headers = await served.initialize(elicitation={})
        async with served.call("act", headers) as response:
            await response.read()
        assert await served.status(served.http.delete(served.url, headers=headers)) == 200
        async with asyncio.timeout(30):
            with pytest.raises(McpError, match="session has ended"):
                await later[0]


async def test_progress_only_rises_and_only_with_the_clients_token(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        for value in (1, 3, 2, 3, 4):
            await ctx.report_progress(value, 10)
        return "done"

    async with serve(program(act=act)) as served:
        headers = await served.initialize()
        call = {"id": 1, "method": "tools/call", "params": {"name": "act", "_meta": {"progressToken": 0}}}
        async with Stream(served.post(call, headers)) as stream:
            said = [event.message for event in await stream.rest() if event.message]
        assert [m["params"]["progress"] for m in said[:-1]] == [1, 3, 4]
        assert all(m["params"]["progressToken"] == 0 for m in said[:-1])
        assert text_of(await served.result("tools/call", {"name": "act"}, headers)) == "done"


async def test_log_messages_below_the_level_that_the_client_has_set_are_not_sent(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        await ctx.debug("d")
        await ctx.info("i")
        await ctx.warning("w")
        await ctx.error("e")
        return "done"

    async with serve(program(act=act)) as served:
        headers = await served.initialize()
        assert (await served.result("logging/setLevel", {"level": "warning"}, headers))["result"] == {}
        async with Stream(served.call("act", headers)) as stream:
            said = [event.message for event in await stream.rest() if event.message]
    assert [m["params"]["data"] for m in said[:-1]] == ["w", "e"]
