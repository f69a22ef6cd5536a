"""Stop signals of a process, and the end of the processes that it started, on every system."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from typing import Any


def stoppable(*, own_session: bool = False) -> dict[str, Any]:
    """Return options of a subprocess that `end_process` can stop.

    With `own_session` neither a Ctrl-C in the terminal nor its end reaches it. On Windows that is so in any
    case: only a process group of its own can be told to stop.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": own_session}


def set_on_stop_signal(stopped: asyncio.Event) -> None:
    """Set `stopped` on SIGINT and SIGTERM, and on Windows on Ctrl-C and Ctrl-Break.

    It is called in the event loop that waits for `stopped`, in the main thread.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # an event loop of Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))


async def end_process(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Tell a process that is `stoppable` to stop, and kill it when it still runs after `seconds`.

    It is killed at once when it cannot be told: on Windows that takes a console, which a service lacks.
    """
    try:
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            process.terminate()
    except ProcessLookupError:
        pass
    except OSError:
        process.kill()
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
