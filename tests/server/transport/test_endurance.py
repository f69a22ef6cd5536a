"""Many calls, in short form: memory stays flat, and no task, session or event is left.

The long form, 200 000 calls, is part of `make bench`.
"""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.server.transport.conftest import Serve, Served
from tests.server.transport.program import Gate, program
from tests.server.transport.stream_client import Stream
from tests.support.eventually import eventually

from mcpsecurity_server.transport import Limits

pytestmark = pytest.mark.timeout(120)


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Trace what the transport allocates; the function returns how much of it is left at the end."""
    left = 0
    ours = [tracemalloc.Filter(True, "*/mcpsecurity_server/*")]
    gc.collect()
    tracemalloc.start()
    try:
        yield lambda: left
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces(ours)
        left = sum(trace.size for trace in snapshot.traces)
    finally:
        tracemalloc.stop()


async def some_of_everything(served: Served, headers: dict[str, str], rounds: int) -> None:
    """Call, ask, resume, subscribe, cancel, and come and go with sessions."""
    for number in range(rounds):
        async with served.call("add", headers, a=number, b=1) as response:
            assert response.status == 200
        async with Stream(served.call("greet", headers)) as stream:
            question = await stream.message()
            answer = {"id": question["id"], "result": {"action": "accept", "content": {"name": "Ada"}}}
            assert await served.status(served.post(answer, headers)) == 202
            await stream.rest()
        async with Stream(served.call("wait_loudly", headers)) as stream:
            first = await stream.next()
        assert first is not None
        async with Stream(served.get(headers, first.id)) as resumed:
            await resumed.rest()
        passing = await served.initialize()
        assert (await served.result("tools/list", {}, passing))["result"]
        assert await served.status(served.http.delete(served.url, headers=passing)) == 200


async def test_what_comes_and_goes_leaves_nothing(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    async with serve(program(gate), limits=Limits(log_events=100)) as served:
        headers = await served.initialize(elicitation={})
        await some_of_everything(served, headers, 30)  # fills the session's bounded log
        tasks = len(asyncio.all_tasks())
        with traced() as grown:
            await some_of_everything(served, headers, 100)
        await eventually(lambda: len(asyncio.all_tasks()) <= tasks)  # connections are closing
        assert len(list(served.mounted.sessions)) == 1
        # The session's log was full before; its events are new and traced now, 100 of some 500 bytes.
        assert grown() < 60_000, f"{grown() / 100:.0f} bytes a round"


async def test_ended_sessions_leave_no_events(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    async with serve(program(gate)) as served:
        for _ in range(20):
            headers = await served.initialize()
            async with Stream(served.call("wait_loudly", headers)) as stream:
                await stream.rest()
            assert await served.status(served.http.delete(served.url, headers=headers)) == 200
        bus: Any = served.mounted.sessions.bus
        assert bus.size == 0
        assert bus._logs == {}
        assert not {headers["Mcp-Session-Id"]} & bus._listeners.keys()
        assert len(bus._listeners) <= 1  # for what concerns no session
