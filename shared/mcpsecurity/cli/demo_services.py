"""The services of the demo as processes: how they start, answer and end."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import click

from mcpsecurity.runtime.processes import end_process, stoppable
from mcpsecurity.runtime.tasks import end_tasks

READY_TIMEOUT = 300.0
"""Seconds until a service that does not answer counts as failed: a slow machine takes its time."""

OPTIONAL_SECONDS = 20.0
"""Seconds that the demo waits for servers of the person's own when all else answers: `npx` and `uvx` load
packages at the first start."""

WORDS_EVERY = 10.0
"""Seconds between two lines that name the services which have not started."""

STOP_TIMEOUT = 4.0
"""Seconds that a service gets to stop before it is killed."""


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the demo: its command, what people call it, and where it answers.

    The demo goes on without an `optional` one that ends at its start.
    """

    command: str
    name: str
    health: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    arguments: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RunningService:
    """A service and its process."""

    service: Service
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def running_services(
    environment: dict[str, str], services: Iterable[Service]
) -> AsyncIterator[list[RunningService]]:
    """Run each service as a process, in a folder without a `.env`, and end them all on leaving: the last one
    first, which is the web client. It ends its sessions at the servers."""
    running: list[RunningService] = []
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpsecurity-demo-"))
        for service in services:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "mcpsecurity", service.command, *service.arguments),
                cwd=folder,
                env=environment | dict(service.environment),
                stdin=asyncio.subprocess.DEVNULL,
                **stoppable(),
            )
            stack.push_async_callback(end_process, process, STOP_TIMEOUT)
            running.append(RunningService(service, process))
        yield running


@dataclass(frozen=True, slots=True)
class Unready:
    """The names of optional services that have ended, and of those that take longer than the others."""

    ended: list[str]
    late: list[str]


async def until_ready(
    running: Sequence[RunningService], *, optional_seconds: float = OPTIONAL_SECONDS
) -> Unready:
    """Wait until each service says that it runs, and name those that do not yet.

    Optional ones have `optional_seconds` more than the others.

    Raises:
        DemoError: another has ended, or one does not answer.
    """
    waiting = {each.service.name for each in running}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        words = asyncio.create_task(_say_what_is_waited_for(waiting))
        tasks = {each: asyncio.create_task(_answers(session, each, waiting)) for each in running}
        optional = [(each.service.name, task) for each, task in tasks.items() if each.service.optional]
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                await asyncio.gather(*(task for each, task in tasks.items() if not each.service.optional))
            if optional:
                await asyncio.wait([task for _, task in optional], timeout=optional_seconds)
            return Unready(
                ended=[name for name, task in optional if task.done() and not task.result()],
                late=[name for name, task in optional if not task.done()],
            )
        except TimeoutError:
            missing = " and ".join(sorted(waiting))
            raise DemoError(f"no answer within {READY_TIMEOUT:.0f} s from {missing}") from None
        finally:
            await end_tasks(words, *tasks.values())


async def until_a_needed_one_ends(running: Iterable[RunningService]) -> None:
    """Wait as long as every service runs without which the demo cannot go on, and raise `DemoError` then."""
    needed = [asyncio.ensure_future(each.process.wait()) for each in running if not each.service.optional]
    try:
        await asyncio.wait(needed, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in needed:
            task.cancel()
    raise _stopped()


def _stopped() -> DemoError:
    return DemoError("a service has stopped; its message is above.")


async def _say_what_is_waited_for(waiting: Collection[str]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        await asyncio.sleep(WORDS_EVERY)
        names = ", ".join(sorted(waiting))
        took = f"{loop.time() - began:.0f} s; the first start takes longest"
        click.echo(f"Still waiting for {names} ({took}) …", err=True)


async def _answers(session: aiohttp.ClientSession, each: RunningService, waiting: set[str]) -> bool:
    """Wait until a service answers, or an optional one has ended; tell whether it answers."""
    while each.process.returncode is None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(each.service.health, allow_redirects=False) as response:
                if response.status == 200:  # another program may have taken the port
                    waiting.discard(each.service.name)
                    return True
        await asyncio.sleep(0.05)
    if not each.service.optional:
        raise _stopped()
    waiting.discard(each.service.name)
    return False
