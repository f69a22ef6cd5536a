"""Servers under measurement: each a process on one core, while the load comes from the others."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import psutil

__all__ = ["SERVER_CORE", "Client", "Running", "load_cores", "opened", "running"]

SERVER_CORE = 0
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


class Client(NamedTuple):
    """What a caller has to send: the address, the headers, and in calls without a session their `_meta`."""

    url: str
    headers: dict[str, str]
    meta: dict[str, Any] | None = None


class Running:
    """A server process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], started: float) -> None:
        self.url = f"http://127.0.0.1:{port}/mcp"
        self.process = process
        self.start_seconds = 0.0
        self._started = started

    @property
    def resident(self) -> int:
        """Bytes of memory that the process has."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        """Processor time that the process has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    async def settle(self) -> None:
        """Wait until the process has nothing to do, such as loading at its start."""
        for _ in range(60):
            before = self.cpu_seconds
            await asyncio.sleep(0.5)
            if self.cpu_seconds - before < 0.01:
                return

    async def first_answer(self, http: aiohttp.ClientSession) -> None:
        """Wait until it answers anything, and note how long after its start that is."""
        for _ in range(3000):
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(self.url):
                    self.start_seconds = time.perf_counter() - self._started
                    return
            if self.process.poll() is not None:
                raise RuntimeError(f"the server has ended with code {self.process.returncode}")
            await asyncio.sleep(0.01)
        raise TimeoutError("the server does not answer")


@asynccontextmanager
async def running(
    port: int,
    *arguments: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    interpreter: Path | None = None,
) -> AsyncIterator[Running]:
    """Run `python -m …arguments` on the servers' core; what it writes goes to the file `log`.

    Another `interpreter`, of an environment of its own, gets a file instead of a module.
    """
    command = (
        [sys.executable, "-m", *arguments] if interpreter is None else [str(interpreter), "-P", *arguments]
    )
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - starts at once; ours
            command,
            env=os.environ | dict(environment or {}) | ({"PYTHONPATH": ""} if interpreter else {}),
            stdout=output,
            stderr=output,
        )
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, {SERVER_CORE})
    server = Running(port, process, started)
    try:
        async with aiohttp.ClientSession() as http:
            await server.first_answer(http)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load_cores() -> set[int]:
    """Return the cores that the load may use."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
    return cores - {SERVER_CORE} or cores


async def opened(
    server: Running, token: str | None, capabilities: Mapping[str, object] | None = None
) -> Client:
    """Open a session, if the server has such, and return what a caller sends in it."""
    headers = HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": capabilities or {},
        "clientInfo": {"name": "bench", "version": "1"},
    }
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(server.url, json=message) as response:
            await response.read()
            session = response.headers.get("Mcp-Session-Id")
        headers |= {"MCP-Protocol-Version": "2025-11-25"} | ({"Mcp-Session-Id": session} if session else {})
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async with http.post(server.url, json=note, headers=headers) as response:
            await response.read()
    return Client(server.url, headers)
