"""How many processes of a command run, whose they are, and when they end."""

import asyncio
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import McpError, types
from tests.support.eventually import eventually

from mcpsecurity_server.stdio import Command, CommandError
from mcpsecurity_server.stdio.child_process import RunningCall, StdioProcess
from mcpsecurity_server.stdio.processes import Listeners, Processes
from mcpsecurity_server.transport import Owner

NOTES = Command((sys.executable, str(Path(__file__).with_name("notes.py"))))
ALICE, BOB, CAROL = (Owner("tenant", name, "client") for name in ("alice", "bob", "carol"))


@asynccontextmanager
async def running(
    command: Command = NOTES, heard: Collection[Owner] = (), **options: Any
) -> AsyncIterator[Processes]:
    async def ignore(owner: Owner, what: types.ServerNotification | StdioProcess) -> None:
        """Something that these tests do not look at."""

    async def is_heard(owner: Owner) -> bool:
        return owner in heard

    processes = Processes(command, Listeners(ignore, ignore, is_heard), **options)
    try:
        await processes.start()
        yield processes
    finally:
        await processes.aclose()


async def tools(process: StdioProcess) -> list[str]:
    request = types.ClientRequest(types.ListToolsRequest())
    return [tool.name for tool in (await process.send(request, types.ListToolsResult)).tools]


async def test_requests_of_one_caller_that_come_together_share_one_process() -> None:
    async with running() as processes:
        first = await asyncio.gather(*(processes.of(ALICE) for _ in range(5)))
        second = await asyncio.gather(*(processes.of(BOB) for _ in range(5)))
        assert len(set(first)) == len(set(second)) == 1
        assert first[0] is not second[0]


async def test_an_idle_process_ends_and_the_next_request_has_another() -> None:
    async with running(idle_seconds=0.3) as processes:
        process = await processes.of(ALICE)
        assert "note" in await tools(process)
        await eventually(lambda: not process.alive)
        again = await processes.of(ALICE)
        assert again is not process
        assert "note" in await tools(again)


async def test_an_idle_process_stays_as_long_as_its_caller_waits_for_what_it_says() -> None:
    heard = {ALICE}
    async with running(heard=heard, idle_seconds=0.3) as processes:
        alices, bobs = await processes.of(ALICE), await processes.of(BOB)
        await eventually(lambda: not bobs.alive)
        assert alices.alive
        heard.clear()
        await eventually(lambda: not alices.alive)


async def test_the_process_that_was_idle_for_longest_gives_way() -> None:
    async with running(limit=2) as processes:
        first, second = await processes.of(ALICE), await processes.of(BOB)
        await tools(first)
        await processes.of(CAROL)
        assert (first.alive, second.alive) == (True, False)


async def test_a_process_with_a_call_does_not_give_way() -> None:
    async with running(limit=1) as processes:
        process = await processes.of(ALICE)
        call = RunningCall(session=None, can_be_asked=False)  # type: ignore[arg-type] # this tool asks nothing
        params = types.CallToolRequestParams(name="wait", arguments={})
        waiting = asyncio.ensure_future(process.call(params, call, None))
        await eventually(lambda: process.busy)
        with pytest.raises(McpError, match="Too many people use this server now"):
            await processes.of(BOB)
        waiting.cancel()
        await eventually(lambda: not process.busy)
        assert (await processes.of(BOB)).alive


async def test_a_command_that_starts_only_once_is_told_to_the_second_caller(tmp_path: Path) -> None:
    once = tmp_path / "once"
    notes = NOTES.arguments[1]
    code = f"import os, runpy; os.mkdir({str(once)!r}); runpy.run_path({notes!r}, run_name='__main__')"
    async with running(Command((sys.executable, "-c", code))) as processes:
        await processes.of(ALICE)
        with pytest.raises(McpError, match=r"cannot be started: .* ended before it answered"):
            await processes.of(BOB)
        once.rmdir()
        assert (await processes.of(BOB)).alive


async def test_a_process_that_answers_a_request_does_not_give_way() -> None:
    async with running(limit=1) as processes:
        process = await processes.of(ALICE)
        asking = types.CallToolRequest(params=types.CallToolRequestParams(name="wait", arguments={}))
        request = process.send(types.ClientRequest(asking), types.CallToolResult)
        waiting = asyncio.ensure_future(request)
        await eventually(lambda: process.busy)
        with pytest.raises(McpError, match="Too many people use this server now"):
            await processes.of(BOB)
        waiting.cancel()


async def test_a_call_that_is_cancelled_while_its_progress_is_sent_ends_nothing_else() -> None:
    sent = list[float]()

    async def stuck(progress: float, total: float | None, message: str | None) -> None:
        sent.append(progress)
        await asyncio.Event().wait()

    async with running() as processes:
        process = await processes.of(ALICE)
        session: Any = None
        call = RunningCall(session, can_be_asked=False)
        params = types.CallToolRequestParams(name="ask", arguments={})
        asking = asyncio.ensure_future(process.call(params, call, stuck))
        await eventually(lambda: sent == [1])
        asking.cancel()
        await asyncio.wait([asking])
        async with asyncio.timeout(30):
            assert "note" in await tools(process)


async def test_starts_that_failed_take_no_place(tmp_path: Path) -> None:
    once = tmp_path / "once"
    notes = NOTES.arguments[1]
    code = f"import os, runpy; os.mkdir({str(once)!r}); runpy.run_path({notes!r}, run_name='__main__')"
    async with running(Command((sys.executable, "-c", code)), limit=1) as processes:
        await processes.of(ALICE)
        with pytest.raises(McpError, match="cannot be started"):
            await processes.of(BOB)
        once.rmdir()
        assert (await processes.of(CAROL)).alive


async def test_no_process_is_left_when_all_end() -> None:
    async with running() as processes:
        both = [await processes.of(ALICE), await processes.of(BOB)]
    assert [process.alive for process in both] == [False, False]


async def test_a_command_that_does_not_start_leaves_nothing_behind() -> None:
    with pytest.raises(CommandError, match="is not found"):
        async with running(Command(("no-such-program",))):
            pass


async def test_a_command_that_says_nothing_is_told_apart_from_one_that_does_not_start() -> None:
    silent = Command((sys.executable, "-c", "import sys; sys.stdin.read()"))
    process = StdioProcess(silent, start_seconds=0.5)
    with pytest.raises(CommandError, match=r"python[\d.]* runs, and said nothing as an MCP server in time"):
        await process.start()
