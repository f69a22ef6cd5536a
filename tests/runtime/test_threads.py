"""Work that waits for people does not keep a program from ending."""

import asyncio
import contextvars
import subprocess
import sys
import threading

import pytest

from mcpsecurity.runtime.threads import in_daemon_thread

NAME = contextvars.ContextVar("NAME", default="")


async def test_results_errors_and_the_context_pass() -> None:
    NAME.set("mine")
    assert await in_daemon_thread(NAME.get) == "mine"

    def fail() -> None:
        raise EOFError("no more")

    with pytest.raises(EOFError, match="no more"):
        await in_daemon_thread(fail)


async def test_an_outcome_that_nobody_waits_for_is_dropped() -> None:
    go, gone = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(10)
        gone.set()

    waiting = asyncio.create_task(in_daemon_thread(work))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    assert await asyncio.to_thread(gone.wait, 10)


def test_a_program_ends_while_the_work_goes_on() -> None:
    code = (
        "import asyncio, threading\n"
        "from mcpsecurity.runtime.threads import in_daemon_thread\n"
        "async def main():\n"
        "    asyncio.ensure_future(in_daemon_thread(threading.Event().wait))\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
        "print('ended')\n"
    )
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout.strip() == "ended", done.stderr
