"""A connection to a command of this machine."""

import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import types
from semantic_kernel import Kernel
from tests.server.stdio import notes
from tests.support.note_keeping import check_cancellation, process_of, said

from mcpsecurity import McpClient
from mcpsecurity.client import Command, CommandError, McpConnection, ServerUnavailableError
from mcpsecurity.runtime.exact_decimals import loads

NOTES = (sys.executable, str(notes.__file__))


async def test_its_tools_prompts_and_resources_are_there_and_it_ends_with_the_connection() -> None:
    async with McpConnection(Command(NOTES)) as connection:
        assert connection.server is not None
        assert connection.server.serverInfo.name == "notes"
        assert {"note", "ask"} < {tool.name for tool in await connection.list_tools()}
        assert await said(connection, "note", text="milk") == "milk"
        [contents] = (await connection.read_resource("notes://all")).contents
        assert isinstance(contents, types.TextResourceContents)
        assert contents.text == "milk"
        assert [prompt.name for prompt in await connection.list_prompts()] == ["remember"]
        process = await process_of(connection)
        assert psutil.pid_exists(process)
    assert not psutil.pid_exists(process)


async def test_it_asks_the_person_and_tells_how_far_it_is() -> None:
    heard: list[str | None] = []

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        heard.append(params.message)
        return types.ElicitResult(action="accept", content={"sure": True})

    async def report(done: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with McpConnection(Command(NOTES), elicitation=answer) as connection:
        assert await said(connection, "ask", report) == "accept: sure=True"
    assert heard == ["asking", "Are you sure?"]


async def test_a_call_whose_caller_leaves_is_cancelled_in_it() -> None:
    async with McpConnection(Command(NOTES)) as connection:
        await check_cancellation(connection)


async def test_when_it_has_ended_its_call_fails_and_the_next_call_starts_it_again() -> None:
    async with McpConnection(Command(NOTES)) as connection:
        before = await said(connection, "process")
        with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
            await said(connection, "end")
        assert await said(connection, "process") != before


async def test_it_gets_the_proxies_and_certificates_of_the_network_but_no_password_of_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "/etc/company.pem")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://ann:secret@proxy.example:3128")
    async with McpConnection(Command(NOTES)) as connection:
        assert await said(connection, "variable", name="NODE_EXTRA_CA_CERTS") == "/etc/company.pem"
        assert await said(connection, "variable", name="https_proxy") == "http://proxy.example:3128"
        assert await said(connection, "variable", name="HTTP_PROXY") == "not set"


async def test_it_gets_the_variables_and_the_folder_it_is_given_and_no_other_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    async with McpConnection(Command(NOTES, {"COLOUR": "red"}, tmp_path)) as connection:
        assert await said(connection, "variable", name="COLOUR") == "red"
        assert await said(connection, "variable", name="OPENAI_API_KEY") == "not set"
        assert await said(connection, "folder") == str(tmp_path)


async def test_a_decimal_of_more_digits_than_a_double_writes_arrives_as_a_number() -> None:
    async with McpConnection(Command(NOTES)) as connection:
        assert await said(connection, "doubled", number=loads("1.10")) == '{"result": 2.2}'


@pytest.mark.parametrize(
    ("arguments", "problem", "printed"),
    [
        (("no-such-program",), "no-such-program is not found; is it installed, and on PATH?", ""),
        (("/",), "/ cannot be started: ", ""),
        ((sys.executable, "-c", "print('hello')"), "ended before it answered as an MCP server", "hello\n"),
        ((sys.executable, "-c", "import sys; sys.exit('wrong')"), "ended before it answered", "wrong\n"),
    ],
)
async def test_why_a_command_is_no_server_is_told(
    arguments: tuple[str, ...], problem: str, printed: str, tmp_path: Path
) -> None:
    with (tmp_path / "log").open("w") as log, pytest.raises(CommandError, match=problem.replace("?", ".")):
        await McpConnection(Command(arguments, log=log)).open()
    assert (tmp_path / "log").read_text() == printed


async def test_a_kernel_gets_its_tools_and_it_gets_no_token() -> None:
    kernel = Kernel()
    async with McpClient(kernel, Command(NOTES), ask=None) as client:
        assert client.server_name == "notes"
        assert "Tools-note" in {f.fully_qualified_name for f in kernel.get_full_list_of_function_metadata()}
        assert str(await client.call_tool("note", text="bread")) == "bread"
    with pytest.raises(ValueError, match="neither a token nor headers"):
        McpClient(kernel, Command(NOTES), ask=None, headers={"X-Api-Key": "key"})
