"""A command's tools behind access tokens, each caller with a process of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import types
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer
from tests.support.eventually import eventually
from tests.support.note_keeping import check_cancellation, process_of, said

from mcpsecurity.client import BridgeError, McpConnection, ProtocolError, SignInRequiredError, TokenAuth
from mcpsecurity_server.app import MOUNTED
from mcpsecurity_server.stdio import Command, CommandError, StdioProgram

NOTES = (sys.executable, str(Path(__file__).with_name("notes.py")))
ALICE, BOB = {"oid": "00000000-0000-0000-0000-00000000000a"}, {"oid": "00000000-0000-0000-0000-00000000000b"}

Connected = Callable[..., AbstractAsyncContextManager[McpConnection]]


@pytest.fixture
async def connected(tenant: ControlledTenant, clock: MovableClock) -> AsyncIterator[Connected]:
    """Connections of people to a server that serves the notes."""
    program = StdioProgram(Command(NOTES, {"COLOUR": "red"}))
    async with ProtectedServer(tenant, clock, mcp=program) as server:
        program.clients = server.app[MOUNTED]

        @asynccontextmanager
        async def connect(person: dict[str, str] = ALICE, **options: Any) -> AsyncIterator[McpConnection]:
            async def token(_: bool) -> str:
                return tenant.access_token(**person)

            url = f"{server.origin}/mcp"
            async with McpConnection(url, auth=TokenAuth(token), **options) as connection:
                yield connection

        yield connect


async def test_its_tools_prompts_and_resources_are_those_of_the_command(connected: Connected) -> None:
    async with connected() as connection:
        assert connection.server is not None
        assert connection.server.serverInfo.name == "notes"
        assert connection.server.instructions == "Keeps notes."
        assert {"note", "ask", "process"} < {tool.name for tool in await connection.list_tools()}
        assert await said(connection, "note", text="milk") == "milk"
        contents = (await connection.read_resource("notes://all")).contents
        assert isinstance(contents[0], types.TextResourceContents)
        assert contents[0].text == "milk"
        prompt = await connection.get_prompt("remember", {"what": "milk"})
        assert "Remember milk." in prompt.model_dump_json()


async def test_nothing_is_served_without_a_token(tenant: ControlledTenant, clock: MovableClock) -> None:
    async with ProtectedServer(tenant, clock, mcp=StdioProgram(Command(NOTES))) as server:
        assert (await server.call()).status == 401
        with pytest.raises(SignInRequiredError):
            async with McpConnection(f"{server.origin}/mcp"):
                pass


async def test_each_person_has_a_process_whose_state_no_other_person_sees(connected: Connected) -> None:
    async with connected(ALICE) as alice, connected(BOB) as bob, connected(ALICE) as again:
        assert await said(alice, "note", text="mine") == "mine"
        assert await said(bob, "note", text="his") == "his"
        assert await said(again, "note", text="more") == "mine, more"
        assert await said(alice, "process") != await said(bob, "process")


async def test_the_command_gets_the_variables_it_is_given_and_no_other(
    connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_SERVER_CLIENT_SECRET", "secret")
    async with connected() as connection:
        assert await said(connection, "variable", name="COLOUR") == "red"
        assert await said(connection, "variable", name="MCP_SERVER_CLIENT_SECRET") == "not set"


async def test_what_it_asks_reaches_the_person_whose_call_runs(connected: Connected) -> None:
    def answering(sure: bool, asked: list[str]) -> Any:
        async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
            asked.append(params.message)
            return types.ElicitResult(action="accept", content={"sure": sure})

        return answer

    progress: list[str | None] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        progress.append(message)

    by_alice, by_bob = list[str](), list[str]()
    async with (
        connected(ALICE, elicitation=answering(True, by_alice)) as alice,
        connected(BOB, elicitation=answering(False, by_bob)) as bob,
    ):
        told = await asyncio.gather(said(alice, "ask", report), said(bob, "ask"))
    assert list(told) == ["accept: sure=True", "accept: sure=False"]
    assert by_alice == ["Are you sure?"]
    assert by_bob == ["Are you sure?"]
    assert progress == ["asking"]


async def test_a_client_that_cannot_be_asked_gets_the_tools_error(connected: Connected) -> None:
    async with connected() as connection:
        assert "does not support elicitation" in await said(connection, "ask")


async def test_a_question_of_a_call_without_a_session_is_refused_so_that_no_tool_runs_twice(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, mcp=StdioProgram(Command(NOTES))) as server:
        answer = await server.stateless_tool(tenant.access_token(), "ask", elicitation={})
        result = answer.json()["result"]
        assert result["resultType"] == "complete"
        assert "no call whose person can be asked" in result["content"][0]["text"]


async def test_a_cancelled_call_is_cancelled_in_the_process(connected: Connected) -> None:
    async with connected() as connection:
        await check_cancellation(connection)


async def test_a_process_that_ends_fails_its_call_and_the_next_call_has_another(connected: Connected) -> None:
    async with connected() as connection:
        first = await said(connection, "process")
        with pytest.raises(ProtocolError, match=r"process has ended\. It is not known whether"):
            await said(connection, "end")
        assert await said(connection, "process") != first


async def test_a_server_that_prints_among_its_messages_works_and_the_log_does_not_repeat_it(
    connected: Connected, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected() as connection:
        caplog.set_level("INFO")
        assert await said(connection, "chat", text="what alice said") == "printed"
        assert await said(connection, "note", text="-") == "-"
    assert "wrote a line that is no MCP message" in caplog.text
    assert "what alice said" not in caplog.text


async def test_a_process_that_is_killed_between_two_calls_is_replaced(connected: Connected) -> None:
    async with connected() as connection:
        first = await process_of(connection)
        os.kill(first, signal.SIGKILL)

        async def replaced() -> bool:
            return await process_of(connection) != first

        await eventually(replaced, in_spite_of=(BridgeError,))


async def test_a_list_that_changes_is_told_to_its_person_only(connected: Connected) -> None:
    def hearing(heard: list[str]) -> Any:
        async def hear(notification: types.ServerNotification) -> None:
            heard.append(notification.root.method)

        return hear

    by_alice, by_bob = list[str](), list[str]()
    async with (
        connected(ALICE, on_notification=hearing(by_alice)) as alice,
        connected(BOB, on_notification=hearing(by_bob)) as bob,
    ):
        await said(bob, "process")
        await said(alice, "learn")
        await eventually(lambda: "notifications/tools/list_changed" in by_alice)
        assert "another" in {tool.name for tool in await alice.list_tools()}
        assert "another" not in {tool.name for tool in await bob.list_tools()}
        assert "notifications/tools/list_changed" not in by_bob


ODD = """
import json, sys
CAN = {"tools": {}, "resources": {}}
for line in sys.stdin:
    asked = json.loads(line)
    match asked.get("method"):
        case "initialize":
            about = {"name": "odd", "version": "1"}
            result = {"protocolVersion": "2024-11-05", "capabilities": CAN, "serverInfo": about}
        case "tools/list":
            good = {"name": "good", "inputSchema": {"type": "object"}}
            result = {"tools": [{"name": 7}, good, {"name": "no schema"}], "nextCursor": None}
        case "tools/call":
            result = {"content": [{"type": "text", "text": "well"}, {"type": "hologram"}]}
        case "resources/templates/list":
            result = {"type": "success", "templates": []}
        case "resources/list":
            result = {"resources": [{"uri": "config://App Settings", "name": "settings"}]}
        case "resources/read":
            uri = asked["params"]["uri"]
            result = {"contents": [{"uri": uri, "text": "you asked for " + uri}]}
        case _:
            continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


async def test_an_odd_tool_list_and_part_of_a_result_do_not_take_the_others_with_them(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    program = StdioProgram(Command((sys.executable, "-c", ODD)))
    async with ProtectedServer(tenant, clock, mcp=program) as server:
        token = tenant.access_token()
        listed = (await server.stateless(token, "tools/list")).json()["result"]
        assert "good" in {tool["name"] for tool in listed["tools"]}
        assert "left_out" not in listed
        error = (await server.stateless(token, "resources/templates/list")).json()["error"]
        assert error["message"] == "The server's answer cannot be read"
        called = (await server.stateless_tool(token, "good")).json()["result"]
        assert called["content"][0]["text"] == "well"
        assert "hologram" in called["content"][1]["text"]


@pytest.mark.parametrize("uri", ["config://App Settings", "file:///My File.txt", "Notes://All/ü"])
async def test_a_resource_is_read_by_the_uri_that_the_command_wrote(
    tenant: ControlledTenant, clock: MovableClock, uri: str
) -> None:
    program = StdioProgram(Command((sys.executable, "-c", ODD)))

    async def token(_: bool) -> str:
        return tenant.access_token()

    async with (
        ProtectedServer(tenant, clock, mcp=program) as server,
        McpConnection(f"{server.origin}/mcp", auth=TokenAuth(token)) as connection,
    ):
        assert [str(resource.uri) for resource in await connection.list_resources()] == [
            "config://App Settings"
        ]
        [contents] = (await connection.read_resource(uri)).contents
        assert isinstance(contents, types.TextResourceContents)
        assert (str(contents.uri), contents.text) == (uri, f"you asked for {uri}")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("no-such-program-here",), "no-such-program-here is not found"),
        ((sys.executable, "-c", "print('hello')"), "ended before it answered as an MCP server"),
        ((sys.executable, "-c", "raise SystemExit(2)"), "ended before it answered as an MCP server"),
    ],
    ids=["not there", "prints something else", "fails"],
)
async def test_a_command_that_is_no_mcp_server_does_not_start_and_says_why(
    tenant: ControlledTenant, clock: MovableClock, command: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        async with ProtectedServer(tenant, clock, mcp=StdioProgram(Command(command))):
            pass
