"""The client for notebooks does all that belongs to an MCP server in a kernel."""

import asyncio
from typing import Any

import pytest
from semantic_kernel import Kernel
from semantic_kernel.exceptions import KernelInvokeException
from semantic_kernel.functions import KernelArguments
from tests.kernel.conftest import PIXEL, program
from tests.kernel.people import Person
from tests.support.keyed import KEY, keyed_server

from mcpsecurity import McpClient
from mcpsecurity.client import (
    CallDeclinedError,
    InsufficientScopeError,
    KeyRefusedError,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    ToolFailedError,
    ToolText,
)
from mcpsecurity.elicitation import Accepted, Declined
from mcpsecurity.testing import LocalStack, ServedMcp


async def connect(
    kernel: Kernel, stack: LocalStack, server: ServedMcp, user: str = "alice", **options: Any
) -> McpClient:
    return await McpClient.connect(kernel, server.url, stack.credential(user), server.scope, **options)


def root_causes(error: BaseException) -> list[BaseException]:
    found = [error]
    while found[-1].__cause__ is not None:
        found.append(found[-1].__cause__)
    return found


async def test_three_lines_give_a_kernel_the_tools(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    client = await McpClient.connect(kernel, server.url, stack.credential(), server.scope)
    result = await kernel.invoke(
        plugin_name="Tools", function_name="add", arguments=KernelArguments(a=1, b=2)
    )
    await client.aclose()
    assert result is not None
    assert result.value == '{"result": 3}'
    assert isinstance(result.value, ToolText)
    assert result.value.structured == {"result": 3}
    assert "Tools" not in kernel.plugins, "closing takes the plugin away"
    await client.aclose()


async def test_results_are_structured_or_images_and_failures_say_tool_and_text(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    async with await connect(kernel, stack, server) as client:
        assert (await client.call_tool("add", a=2, b=3)).structured == {"result": 5}
        (image,) = (await client.call_tool("picture")).images
        assert (image.data, image.mime_type) == (PIXEL, "image/png")
        assert set(image._repr_mimebundle_()) == {"text/plain", "image/png"}
        with pytest.raises(ToolFailedError, match="too late") as caught:
            await client.call_tool("fail", reason="too late")
        assert caught.value.tool == "fail"


async def test_a_result_that_the_kernel_gets_is_shown_with_its_images(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    shown: list[tuple[str, ToolText]] = []
    async with await connect(kernel, stack, server, on_result=lambda *result: shown.append(result)):
        result = await kernel.invoke(plugin_name="Tools", function_name="picture")
    assert str(result) == "[image of type image/png, shown to the person]"
    async with await connect(kernel, stack, server):
        result = await kernel.invoke(plugin_name="Tools", function_name="picture")
    assert str(result) == "[image of type image/png, which the model cannot see]"
    ((tool, text),) = shown
    assert tool == "picture"
    assert [image.data for image in text.images] == [PIXEL]


async def test_prompts_and_resources_are_functions_on_request(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    async with await connect(kernel, stack, server, prompts=True, resources=True, include=["add"]) as client:
        assert set(client.plugin.functions) == {"add", "prompt_introduce", "list_resources", "read_resource"}
        plugin = client.plugin
        said = await plugin["prompt_introduce"].invoke(kernel, KernelArguments(name="Ada", style="long"))
        listed = await plugin["list_resources"].invoke(kernel)
        read = await plugin["read_resource"].invoke(kernel, KernelArguments(uri="note://today"))
        assert [str(result) for result in (said, listed, read)] == [
            "Introduce Ada, long.",
            "note://today today",
            "buy milk",
        ]
        (message,) = await client.get_prompt("introduce", name="Ada")
        assert (message.role.value, message.content) == ("user", "Introduce Ada, short.")
        assert await client.read_resource("note://today") == "buy milk"


async def test_two_servers_live_in_one_kernel(kernel: Kernel, stack: LocalStack, server: ServedMcp) -> None:
    async with (
        await connect(kernel, stack, server, plugin_name="One", prefix="a_", exclude=["wait"]) as one,
        await connect(kernel, stack, server, plugin_name="Two") as two,
    ):
        assert {"a_add", "a_greet"} < set(one.plugin.functions)
        assert "a_wait" not in one.plugin.functions
        assert "wait" in two.plugin.functions
        assert set(kernel.plugins) == {"One", "Two"}


async def test_the_plugin_keeps_in_step_with_the_servers_tools(kernel: Kernel, stack: LocalStack) -> None:
    mcp, changed = program(), asyncio.Event()
    server = stack.serve(mcp)
    async with (
        asyncio.timeout(30),
        await connect(kernel, stack, server, on_change=lambda _: changed.set()) as client,
    ):
        plugin = kernel.plugins["Tools"]

        changed.clear()
        await client.call_tool("retire", name="add")
        await changed.wait()
        assert kernel.plugins["Tools"] is plugin
        assert "add" not in plugin.functions
        assert "greet" in plugin.functions
    server.stop()


async def test_a_listing_that_fails_in_any_way_ends_no_listing_after_it(
    kernel: Kernel, stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    mcp, changed, failed = program(), asyncio.Event(), asyncio.Event()
    server = stack.serve(mcp)

    async def odd(*_: object) -> list[object]:
        failed.set()
        raise ValueError("an odd tool")

    async with (
        asyncio.timeout(30),
        await connect(kernel, stack, server, on_change=lambda _: changed.set()) as client,
    ):
        with monkeypatch.context() as patched:
            patched.setattr("mcpsecurity.kernel.server_plugin.load_functions", odd)
            await client.call_tool("retire", name="add")
            await failed.wait()
        assert "add" in client.plugin.functions
        changed.clear()
        await client.call_tool("retire", name="greet")
        await changed.wait()
        assert not {"add", "greet"} & set(client.plugin.functions)
    server.stop()


async def test_a_lost_session_is_opened_again_and_the_tools_are_listed_again(
    kernel: Kernel, stack: LocalStack
) -> None:
    mcp, changed = program(), asyncio.Event()
    server = stack.serve(mcp)
    async with (
        asyncio.timeout(30),
        await connect(kernel, stack, server, on_change=lambda _: changed.set()) as client,
    ):
        mcp.remove_tool("add")
        changed.clear()
        known = client.session_id
        with server.http() as http:  # the server forgets the session, as after a restart
            assert http.delete("/mcp", headers={"Mcp-Session-Id": known or ""}).status_code == 200
        assert (await client.call_tool("report")).structured == {"result": "done"}
        assert client.session_id != known
        await changed.wait()
        assert "add" not in client.plugin.functions
    server.stop()


async def test_progress_and_questions_reach_the_person(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    heard: list[tuple[float, float | None, str | None]] = []
    person = Person(Accepted({"name": "Ada"}))

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with await connect(kernel, stack, server, progress=progress, ask=person) as client:
        await client.call_tool("report")
        assert (await client.call_tool("greet")).structured == {"result": "Hello Ada"}
    assert heard == [(1, 2, "half")]
    assert person.asked == [("Program", "Whom?")]


async def test_a_call_is_made_when_it_is_approved_as_it_was_edited(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    person = Person(Accepted({"a": 20, "b": 1}))
    async with await connect(kernel, stack, server, ask=person, approve=True):
        result = await kernel.invoke(
            plugin_name="Tools", function_name="add", arguments=KernelArguments(a=1, b=2)
        )
        note = 'The person changed the arguments of this call; it was made with {"a": 20, "b": 1}.'
        assert str(result) == f'{note}\n{{"result": 21}}'
        assert result is not None
        assert result.value.structured == {"result": 21}
        assert person.asked == [("add", "{'a': 1, 'b': 2}")]
        person.answer = Declined()
        with pytest.raises(KernelInvokeException) as caught:
            await kernel.invoke(plugin_name="Tools", function_name="add", arguments=KernelArguments(a=1, b=2))
    assert any(isinstance(cause, CallDeclinedError) for cause in root_causes(caught.value))


async def test_a_wrong_token_is_told_with_the_scope(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(SignInRequiredError) as refused:
            await McpClient.connect(kernel, server.url, stack.credential(expired=True), server.scope)
    assert refused.value.scope == server.scope
    async with asyncio.timeout(30):
        with pytest.raises(SignInRequiredError):
            await McpClient.connect(kernel, server.url)
    async with asyncio.timeout(30):
        with pytest.raises(InsufficientScopeError) as lacking:
            await McpClient.connect(kernel, server.url, stack.credential(scope="other"), server.scope)
    assert lacking.value.scope == server.scope
    assert kernel.plugins == {}


async def test_a_cancelled_cell_leaves_a_client_that_works_and_closes(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    async with asyncio.timeout(30), await connect(kernel, stack, server) as client:
        cell = asyncio.create_task(client.call_tool("wait"))
        await client.call_tool("report")
        cell.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cell
        assert (await client.call_tool("add", a=1, b=1)).structured == {"result": 2}


async def test_a_client_is_of_use_in_plain_asyncio_too(stack: LocalStack, server: ServedMcp) -> None:
    async def script() -> str:
        async with McpClient(Kernel(), server.url, stack.credential(), server.scope) as client:
            return str(await client.call_tool("add", a=4, b=5))

    assert await asyncio.to_thread(asyncio.run, script()) == '{"result": 9}'


async def test_a_second_client_of_one_plugin_name_is_refused_and_the_first_works_on(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    first = McpClient(kernel, server.url, stack.credential(), server.scope)
    async with first:
        with pytest.raises(ValueError, match="another plugin named 'Tools'"):
            await McpClient.connect(kernel, server.url, stack.credential("bob"), server.scope)
        other = McpClient(kernel, server.url, stack.credential("bob"), server.scope, plugin_name="Others")
        async with other:
            assert set(kernel.plugins) == {"Tools", "Others"}
        assert kernel.plugins["Tools"] is first.plugin
        await first.open()
        assert str(await first.call_tool("add", a=1, b=2)) == '{"result": 3}'
    async with first, McpClient(Kernel(), server.url, stack.credential(), server.scope):
        assert kernel.plugins["Tools"] is first.plugin, "it can be connected again"


async def test_of_two_clients_that_open_at_once_one_is_refused(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    clients = [McpClient(kernel, server.url, stack.credential(), server.scope) for _ in range(2)]
    opened = await asyncio.gather(*(client.open() for client in clients), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in opened) == ["McpClient", "ValueError"]
    for client in clients:
        await client.aclose()


async def test_an_argument_that_a_tool_does_not_have_is_named_with_those_that_it_has(
    kernel: Kernel, stack: LocalStack, server: ServedMcp
) -> None:
    async with McpClient(kernel, server.url, stack.credential(), server.scope) as client:
        with pytest.raises(ProtocolError, match=r"add has no argument 'c', 'name'; it has: a, b\."):
            await client.call_tool("add", a=1, b=2, c=3, name="x")
        with pytest.raises(ProtocolError, match=r"wait has no argument 'a'; it has: none\."):
            await client.call_tool("wait", a=1)


async def test_headers_are_the_key_to_a_server_that_wants_one(kernel: Kernel) -> None:
    async with keyed_server() as server:
        async with McpClient(kernel, server.url, headers={"X-Api-Key": KEY}) as client:
            assert await client.call_tool("look_up", title="Bees") == "Bees is an article."
        with pytest.raises(KeyRefusedError, match="refuses the key"):
            await McpClient.connect(kernel, server.url, headers={"X-Api-Key": "wrong"})
        with pytest.raises(SignInRequiredError):
            await McpClient.connect(kernel, server.url)


async def test_a_server_may_want_a_key_and_a_token(kernel: Kernel, stack: LocalStack) -> None:
    async with keyed_server() as server:
        headers, scope = {"X-Api-Key": KEY}, stack.cloud.scope
        async with McpClient(kernel, server.url, stack.credential(), scope, headers=headers):
            assert server.sent[0]["authorization"].startswith("Bearer ey")
            assert server.sent[0]["x-api-key"] == KEY


async def test_what_cannot_work_is_said_before_anything_happens(kernel: Kernel, stack: LocalStack) -> None:
    with pytest.raises(ValueError, match="needs a scope"):
        McpClient(kernel, "http://127.0.0.1:9/mcp", stack.credential())
    with pytest.raises(ValueError, match="by https only"):
        McpClient(kernel, "http://tools.example/mcp", headers={"X-Api-Key": KEY})
    with pytest.raises(ValueError, match="Cookie is set by the client itself"):
        McpClient(kernel, "https://tools.example/mcp", headers={"Cookie": KEY})
    with pytest.raises(ValueError, match="Nobody can approve"):
        McpClient(kernel, "http://127.0.0.1:9/mcp", approve=True)
    with pytest.raises(ServerUnavailableError):
        await McpClient.connect(kernel, "http://127.0.0.1:9/mcp")
