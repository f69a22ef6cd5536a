"""How a server stops: running calls get their time, streams say when to come back, nothing is left."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.server.transport.conftest import Served
from tests.server.transport.program import Gate, program
from tests.server.transport.stream_client import Stream
from tests.support.eventually import eventually
from tests.support.ports import free_port

from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.transport import Limits, mount_mcp


class Stoppable:
    """A server whose stop a test starts and awaits; use it with `async with`."""

    def __init__(self, gate: Gate, limits: Limits) -> None:
        self.app = web.Application()
        self.mounted = mount_mcp(self.app, program(gate), limits=limits)
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> Served:
        self.runner = await started_runner(self.app)
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return Served(f"http://127.0.0.1:{self.runner.addresses[0][1]}/mcp", self.mounted, self.http)

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self.runner.cleanup()


async def test_a_running_call_finishes_and_new_ones_are_refused() -> None:
    gate = Gate()
    stoppable = Stoppable(gate, Limits(stop_seconds=10))
    async with stoppable as served:
        headers = await served.initialize()
        calling = asyncio.create_task(served.result("tools/call", {"name": "wait"}, headers))
        await gate.entered.wait()
        stopping = asyncio.create_task(stoppable.app.shutdown())
        await asyncio.sleep(0)
        assert await served.status(served.call("add", headers, id=2, a=1, b=2)) == 503
        assert not stopping.done()
        gate.opened.set()
        assert (await calling)["result"]["content"][0]["text"] == "waited"
        await stopping


async def test_a_call_that_takes_longer_than_the_deadline_is_stopped() -> None:
    gate = Gate()
    stoppable = Stoppable(gate, Limits(stop_seconds=0.05))
    async with stoppable as served:
        headers = await served.initialize()
        calling = asyncio.create_task(served.status(served.call("wait", headers)))
        await gate.entered.wait()
        async with asyncio.timeout(90):
            await stoppable.app.shutdown()
            await gate.cancelled.wait()
            await calling


async def test_open_streams_end_with_a_hint_when_to_come_back() -> None:
    gate = Gate()
    stoppable = Stoppable(gate, Limits(stop_seconds=0.05))
    async with stoppable as served:
        headers = await served.initialize()
        async with Stream(served.get(headers)) as stream:
            await stream.next()
            await stoppable.app.shutdown()
            assert await stream.rest() == []
            assert stream.retry == 1000


async def test_nothing_is_left_running_after_a_stop() -> None:
    before = asyncio.all_tasks()
    gate = Gate()
    stoppable = Stoppable(gate, Limits(stop_seconds=0.05))
    async with stoppable as served:
        headers = await served.initialize()
        reading = asyncio.create_task(served.status(served.get(headers)))
        calling = asyncio.create_task(served.status(served.call("wait_loudly", headers)))
        await gate.entered.wait()
        await reading
        await calling
    await eventually(lambda: not asyncio.all_tasks() - before)
    assert gate.cancelled.is_set()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
async def test_sigterm_ends_the_process_with_an_open_stream_in_time(tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcpsecurity_server", "--no-auth", cwd=tmp_path, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "MCP_SERVER_PORT": str(port), "MCP_SERVER_URL": f"http://127.0.0.1:{port}/mcp"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        async with asyncio.timeout(90), aiohttp.ClientSession() as http:
            served: Any = Served(url, None, http)  # type: ignore[arg-type] # nothing of it is needed here
            headers = await eventually(
                served.initialize, seconds=90, in_spite_of=(aiohttp.ClientConnectionError,)
            )
            async with Stream(served.get(headers)) as stream:
                await stream.next()
                process.send_signal(signal.SIGTERM)
                assert await stream.rest() == []
                assert stream.retry == 1000
            async with asyncio.timeout(30):  # its own deadline is 4 s
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
