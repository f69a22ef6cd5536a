"""What a call takes more than another one, in one process and without sockets: in turns of three calls.

    .venv/bin/python -m tests.benchmarks.turns [--turns 8000]

The differences of interest are smaller than what a machine's speed changes by from one second to the next. So
the whole product, with tokens and without, has one connection each whose other end is this program, and takes
calls in turns too short for that. Prints JSON; `in_turns` runs this in a process of its own.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import uvloop
from aiohttp import web
from tests.benchmarks.eras import without_session
from tests.benchmarks.load import call_of, is_good, is_whole, posted
from tests.benchmarks.processes import HEADERS, Client
from tests.benchmarks.ratios import Times, in_pairs

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.log import BatchedHandler
from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

__all__ = ["in_turns"]

_CALLS = 3
"""Calls of a turn."""

_WARM_TURNS = 100
_URL = "http://127.0.0.1/mcp"
_SESSION = re.compile(rb"mcp-session-id: (\S+)", re.IGNORECASE)


async def in_turns(turns: int = 8000) -> dict[str, Times]:
    """Return what `tokens` make a call take, times one without, and being `stateless`, times in a session."""
    command = (sys.executable, "-m", "tests.benchmarks.turns", "--turns", str(turns))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"tests.benchmarks.turns has ended with code {process.returncode}")
    return {name: Times(*found) for name, found in json.loads(output).items()}


class _Wire(asyncio.Transport):
    """The way back from a server: takes what it sends."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 80)})
        self.sent: list[bytes] = []
        self.answered: asyncio.Future[None] | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(None)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """The connection ends with the process."""

    abort = pause_reading = resume_reading = close


class _Connection:
    """A connection to an application of this process."""

    def __init__(self, runner: web.AppRunner) -> None:
        if runner.server is None:
            raise RuntimeError("the application has not started")
        self._protocol = runner.server()
        self._wire = _Wire()
        self._protocol.connection_made(self._wire)
        self._loop = asyncio.get_running_loop()

    async def answer(self, request: bytes) -> bytes:
        """Return the answer as it comes over the wire, if it is written at once, as those of calls are."""
        wire = self._wire
        wire.sent.clear()
        answered = wire.answered = self._loop.create_future()
        self._protocol.data_received(request)
        await answered
        return wire.sent[0]

    async def whole_answer(self, request: bytes) -> bytes:
        """Return the answer, however it is written."""
        await self.answer(request)
        while True:
            answer = b"".join(self._wire.sent)
            if is_whole(answer):
                return answer
            await asyncio.sleep(0)


class _Caller(NamedTuple):
    """Somebody with a connection and the calls of a turn."""

    connection: _Connection
    calls: list[bytes]

    async def turn(self) -> float:
        """Call, and return seconds."""
        answer, started = self.connection.answer, time.perf_counter()
        for call in self.calls:
            await answer(call)
        return time.perf_counter() - started


async def _caller(runner: web.AppRunner, token: str | None, *, stateless: bool = False) -> _Caller:
    connection = _Connection(runner)
    client = Client(_URL, HEADERS | ({"Authorization": f"Bearer {token}"} if token else {}))
    client = without_session(client) if stateless else await _opened(connection, client)
    calls = [posted(client, call_of(client) | {"id": number}) for number in range(_CALLS)]
    for call in calls:
        if not is_good(await connection.whole_answer(call)):
            raise RuntimeError("a call has failed")
    return _Caller(connection, calls)


async def _opened(connection: _Connection, client: Client) -> Client:
    """Open a session."""
    said = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    }
    initialize = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": said}
    answer = await connection.whole_answer(posted(client, initialize))
    session = _SESSION.search(answer)
    if session is None:
        raise RuntimeError("there is no session")
    headers = client.headers | {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": session[1].decode()}
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    client = Client(client.url, headers)
    await connection.whole_answer(posted(client, note))
    return client


async def _measure(turns: int) -> dict[str, Times]:
    with tempfile.TemporaryDirectory() as folder:
        settings = LocalCloudSettings(https_port=0, http_port=0, folder=Path(folder))
        async with LocalCloud(settings) as cloud:
            protected = ServerSettings(
                url=_URL,
                tenant_id=cloud.tenant_id,
                client_id=cloud.api_client_id,
                authority=cloud.authority,
                ca_file=cloud.ca_file,
            )
            runners = [
                await started_runner(create_app(one))
                for one in (protected, ServerSettings(url=_URL, no_auth=True))
            ]
            token = cloud.access_token()
            callers = {
                "tokens": await _caller(runners[0], token),
                "stateless": await _caller(runners[0], token, stateless=True),
                "open": await _caller(runners[1], None),
            }
            gc.collect()
            gc.freeze()  # as a service does
            found = {
                ones: await _times(callers[ones], callers[others], turns)
                for ones, others in (("tokens", "open"), ("stateless", "tokens"))
            }
            for runner in runners:
                await runner.cleanup()
    return found


async def _times(one: _Caller, other: _Caller, turns: int) -> Times:
    """Return how many times as long the one's turns take as the other's.

    There are only these two: with a third one of the other's kind, that kind would come twice as often, and
    more of what it needs would be at hand.
    """
    took: tuple[list[float], list[float]] = ([], [])
    order = [(one, took[0]), (other, took[1])]
    for turn in range(-_WARM_TURNS, turns):
        random.shuffle(order)
        for caller, its in order:
            seconds = await caller.turn()
            if turn >= 0:
                its.append(seconds)
    return in_pairs(*took)


def main() -> None:
    """Measure, and print JSON. What the servers log is made as in a service, and goes nowhere."""
    parser = argparse.ArgumentParser(description="Compare calls in short turns.")
    parser.add_argument("--turns", type=int, default=8000)
    options = parser.parse_args()
    with Path(os.devnull).open("w") as nowhere:
        handler = BatchedHandler()
        handler.setStream(nowhere)
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(_measure(options.turns))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
