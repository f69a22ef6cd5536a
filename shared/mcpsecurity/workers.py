"""Several processes of a service on one port: the kernel deals connections out among them (SO_REUSEPORT)."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Sequence

from mcpsecurity.runtime.processes import end_process, set_on_stop_signal, stoppable
from mcpsecurity.settings import Settings, SettingsError, configure_logging

_log = logging.getLogger(__name__)
_STOP_SECONDS = 15.0
_PAUSE = 1.0


def run_workers(
    count: int,
    command: Sequence[str],
    settings: Settings,
    *,
    host: str,
    port: int,
    name: str,
    system: str = sys.platform,
) -> int:
    """Run `mcpsecurity COMMAND --worker N` `count` times until SIGINT or SIGTERM; return the exit code.

    A process that ends is started again. 1 means that the address cannot be bound, or that the system would
    not share it out: macOS gives all connections to one process, and Windows has no such option.

    Raises:
        SettingsError: they need Redis for the state that they share.
    """
    if settings.redis_url is None:
        raise SettingsError("MCPSECURITY_REDIS_URL: several workers need it, to share their sessions")
    if system != "linux":
        print(
            f"{name}: several workers need Linux, which deals connections out among them; run one, or several"
            " behind a proxy.",
            file=sys.stderr,
        )
        return 1
    try:
        # Without SO_REUSEPORT: fails if another program listens there.
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        print(f"{name}: cannot listen on {host}:{port}: {error.strerror}.", file=sys.stderr)
        return 1
    configure_logging(settings.log_level, settings.log_format)
    asyncio.run(_supervise(count, command))
    return 0


async def _supervise(count: int, command: Sequence[str]) -> None:
    stopped = asyncio.Event()
    set_on_stop_signal(stopped)
    commands = [[*command, "--worker", str(number)] for number in range(count)]
    await asyncio.gather(*(_keep_running(command, stopped) for command in commands))


async def _keep_running(command: Sequence[str], stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mcpsecurity", *command, **stoppable(own_session=True)
        )
        ended = asyncio.ensure_future(process.wait())
        stop = asyncio.ensure_future(stopped.wait())
        await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
        if not stopped.is_set():
            _log.error("a worker has ended with %s and is started again", process.returncode)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stop), _PAUSE)
        stop.cancel()
        if process.returncode is None:
            await end_process(process, _STOP_SECONDS)
