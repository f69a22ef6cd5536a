"""What a command may write, and what is left of it when it has ended."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio import EndOfStream
from mcp import McpError, types
from tests.support.eventually import eventually

from mcpsecurity.client import CommandError, McpConnection
from mcpsecurity.client.command_log import command_log
from mcpsecurity.client.pipes import MessageTooLongError, lines_of, messages_in
from mcpsecurity_server.stdio import Command
from mcpsecurity_server.stdio.child_process import RunningCall, StdioProcess

RAW = Command((sys.executable, str(Path(__file__).with_name("raw_server.py"))))


class Output:
    """The output of a process, in pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    async def receive(self, _: int) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise EndOfStream from None


async def lines(*pieces: bytes, longest: int = 100) -> list[bytes]:
    output: Any = Output(pieces)
    return [line async for line in lines_of(output, longest)]


@asynccontextmanager
async def running(command: Command = RAW) -> AsyncIterator[StdioProcess]:
    process = StdioProcess(command)
    try:
        await process.start()
        yield process
    finally:
        await process.aclose()


class NeverAnswers:
    """A session whose person is asked, and does nothing."""

    async def send_request(self, *_: Any) -> None:
        await asyncio.Event().wait()


async def called(process: StdioProcess, tool: str, asked: Any = None, **arguments: Any) -> str:
    call = RunningCall(session=asked, can_be_asked=asked is not None)
    params = types.CallToolRequestParams(name=tool, arguments=arguments)
    async with asyncio.timeout(60):
        result = await process.call(params, call, None)
    return " ".join(part.text for part in result.content if isinstance(part, types.TextContent))


def runs(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_lines_come_whole_however_they_are_cut_and_blank_ones_not_at_all() -> None:
    assert await lines(b"a", b"b\n\r\n\n  \nc\r\nd", b"", b"e\n") == [b"ab", b"c", b"de"]


async def test_a_line_without_an_end_is_bounded() -> None:
    with pytest.raises(MessageTooLongError):
        await lines(*[b"x" * 10] * 12)


def test_an_answer_that_cannot_be_read_is_an_error_for_its_request() -> None:
    [message] = messages_in(b'{"jsonrpc": "2.0", "id": 7, "result": "well"}')
    assert isinstance(message.root, types.JSONRPCError)
    assert message.root.id == 7
    assert "a result that is no object" in message.root.error.message


@pytest.mark.parametrize("number", [b"7", b"7.0"])
def test_an_answer_names_its_request_by_any_spelling_of_its_number(number: bytes) -> None:
    [message] = messages_in(b'{"jsonrpc": "2.0", "id": ' + number + b', "result": {}}')
    assert isinstance(message.root, types.JSONRPCResponse)
    assert message.root.id == 7


@pytest.mark.parametrize(
    "line",
    [
        b"Server running on stdio",
        b"\xff\xfe",
        b"7",
        b'"text"',
        b"{}",
        b'{"level": "info", "id": 1}',
        b'{"jsonrpc": "2.0", "id": [1], "result": {}}',
        b'{"jsonrpc": "2.0", "method": "notifications/of-my-own", "params": {"secret": 1}}',
    ],
)
def test_what_is_no_message_of_mcp_is_left_out(line: bytes) -> None:
    assert messages_in(line) == []


def test_an_error_without_an_id_is_for_the_one_request_that_waits() -> None:
    error = b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}}'
    [message] = messages_in(error, {7})
    assert isinstance(message.root, types.JSONRPCError)
    assert message.root.id == 7
    assert messages_in(error, {7, 8}) == messages_in(error) == []


async def test_a_command_that_could_not_read_a_request_ends_its_call() -> None:
    async with running() as process:
        with pytest.raises(McpError, match="Parse error"):
            await called(process, "parse_error")
        assert await called(process, "noise") == "after the noise"


def test_text_that_is_not_unicode_does_not_cost_the_answer() -> None:
    content = b'{"content": [{"type": "text", "text": "caf\xe9 \\ud83d"}]}'
    [message] = messages_in(b'{"jsonrpc": "2.0", "id": 1, "result": ' + content + b"}")
    assert isinstance(message.root, types.JSONRPCResponse)
    assert message.root.result["content"][0]["text"] == "caf\ufffd \ufffd"


def test_the_messages_of_a_batch_come_one_by_one() -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert len(messages_in(json.dumps([ping, {"jsonrpc": "2.0", "id": 2, "result": {}}]).encode())) == 2


async def test_noise_before_and_between_messages_is_passed_over() -> None:
    async with running() as process:
        assert await called(process, "noise") == "after the noise"


async def test_words_on_the_output_do_not_run_into_a_line_of_the_standard_error() -> None:
    program = "import sys; sys.stderr.write('sorry'); sys.stderr.flush(); print('usage')"
    shown: list[str] = []
    async with command_log(shown.append) as log:
        with pytest.raises(CommandError):
            async with McpConnection(Command((sys.executable, "-c", program), log=log)):
                pass
    assert shown == ["sorry", "usage"]


async def test_answers_that_nobody_waits_for_and_questions_with_one_id_change_nothing() -> None:
    async with running() as process:
        assert await called(process, "unasked") == "the answer"
        answered = json.loads(await called(process, "questions"))
        assert [each["id"] for each in answered] == [7, 7, 8, 9]
        assert ["error" in each for each in answered] == [True, True, True, False]


async def test_a_call_that_ends_before_its_question_is_answered_leaves_the_process_as_it_is() -> None:
    async with running() as process:
        assert await called(process, "ask_and_go_on", NeverAnswers()) == "did not wait"
        assert await called(process, "noise") == "after the noise"


async def test_a_command_that_closes_its_input_has_ended() -> None:
    async with running() as process:
        assert await called(process, "close_input") == "closed"
        with pytest.raises(McpError, match="has ended"):
            await called(process, "noise")
        assert not process.alive


async def test_a_command_that_ends_fails_its_call_although_what_it_started_holds_its_output(
    tmp_path: Path,
) -> None:
    async with running() as process:
        with pytest.raises(McpError, match=r"process has ended\. It is not known"):
            await called(process, "leave_behind", file=str(tmp_path / "pid"))
        left = int((tmp_path / "pid").read_text())
    await eventually(lambda: not runs(left))


async def test_a_command_that_is_deaf_to_every_request_to_end_is_killed() -> None:
    async with running() as process:
        pid = int(await called(process, "deaf"))
        assert runs(pid)
    await eventually(lambda: not runs(pid))


async def test_a_process_that_is_given_up_while_it_starts_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    starting = asyncio.ensure_future(StdioProcess(Command((sys.executable, "-c", code))).start())
    await eventually(lambda: file.exists() and bool(file.read_text()))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    pid = int(file.read_text())
    await eventually(lambda: not runs(pid))
    assert pid != os.getpid()


HOLDER = """
import asyncio, sys
from mcpsecurity.client.pipes import Command, message_streams

async def main():
    async with message_streams(Command(tuple(sys.argv[1:])), asyncio.Event()):
        await asyncio.sleep(600)

asyncio.run(main())
"""
DEAF = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()}\\n")
time.sleep(600)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("setpriv"), reason="this system has no setpriv"
)
async def test_a_command_that_is_deaf_ends_with_a_program_that_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    command = (sys.executable, "-c", DEAF, str(told))
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, *command)
    try:
        await eventually(lambda: told.exists() and told.read_text("utf-8").endswith("\n"), seconds=60)
        pid = int(told.read_text("utf-8"))
        assert runs(pid)
    finally:
        holder.kill()
        await holder.wait()
    await eventually(lambda: not runs(pid))


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (("npx", "-y", "@modelcontextprotocol/server-memory@1.0.0", "--key", "secret"), "server-memory"),
        (("/usr/bin/uvx", "mcp-server-git"), "mcp-server-git"),
        (("npx.cmd", "a-server"), "a-server"),
        (("npx", "--token", "secret", "a-server"), "npx"),
        (("npx", "-y", "https://server.example/a.tgz?key=secret"), "npx"),
        (("npx",), "npx"),
        (("/opt/bin/python3.11", "secret"), "python3.11"),
    ],
)
def test_a_command_is_called_by_its_program_or_the_package_that_it_runs(
    words: tuple[str, ...], label: str
) -> None:
    assert Command(words).label == label
