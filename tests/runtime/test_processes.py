"""Processes stop when they are told, and are killed when they do not, in every kind of event loop."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from mcpsecurity.runtime.processes import end_process, set_on_stop_signal, stoppable


class LoopOfWindows(asyncio.SelectorEventLoop):
    """An event loop that knows no signals."""

    def add_signal_handler(self, *_: Any) -> None:  # type: ignore[override] # it takes any arguments
        raise NotImplementedError


@pytest.mark.parametrize("loop_factory", [asyncio.SelectorEventLoop, LoopOfWindows])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_event_in_every_event_loop(
    loop_factory: Callable[[], asyncio.AbstractEventLoop], number: signal.Signals
) -> None:
    async def until_stopped() -> bool:
        stopped = asyncio.Event()
        set_on_stop_signal(stopped)
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        async with asyncio.timeout(90):
            return await stopped.wait()

    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            assert runner.run(until_stopped())
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("import time; print(flush=True); time.sleep(60)", -signal.SIGTERM), (_STUBBORN, -signal.SIGKILL)],
)
async def test_a_process_is_told_to_stop_and_then_killed(code: str, expected: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, **stoppable(own_session=True)
    )
    assert process.stdout is not None
    await process.stdout.readline()
    await end_process(process, 0.2)
    assert process.returncode == expected
    await end_process(process, 0.2)  # a second time is no error


async def test_a_process_that_cannot_be_told_is_killed_at_once() -> None:
    class Untold:
        """A process on Windows that shares no console with its parent."""

        def __init__(self) -> None:
            self.killed = asyncio.Event()

        def terminate(self) -> None:
            raise PermissionError

        send_signal = terminate

        def kill(self) -> None:
            self.killed.set()

        async def wait(self) -> None:
            await self.killed.wait()

    process = Untold()
    async with asyncio.timeout(90):
        await end_process(cast("asyncio.subprocess.Process", process), 60)
    assert process.killed.is_set()
