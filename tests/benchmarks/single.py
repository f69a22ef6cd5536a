"""Figures of this server alone: start, idle sessions, a question's way to the person and back, endurance."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
from tests.benchmarks.load import measured
from tests.benchmarks.processes import Client, Running, opened, running
from tests.benchmarks.table import protected
from tests.support.ports import free_port

from mcpsecurity.localcloud import LocalCloud

__all__ = ["Endurance", "endured", "idle_session_bytes", "question_milliseconds", "start_seconds"]

SESSIONS = 10_000


class Endurance(NamedTuple):
    """Bytes of memory after the warm-up and at the end, tasks likewise, and how many calls were between."""

    calls: int
    before: int
    after: int
    tasks_before: int
    tasks_after: int

    @property
    def growth(self) -> float:
        """Growth of memory, as a share."""
        return self.after / self.before - 1


async def start_seconds(cloud: LocalCloud, folder: Path) -> float:
    """Return how long after its start the process answers a request; the median of five."""
    found = []
    for _ in range(5):
        async with protected(cloud, folder / "start.log") as (server, _):
            found.append(server.start_seconds)
    return sorted(found)[2]


async def idle_session_bytes(cloud: LocalCloud, folder: Path) -> float:
    """Return what one of 10 000 sessions without anything open costs."""
    async with protected(cloud, folder / "idle.log") as (server, client):
        await measured(client, connections=8, seconds=1)
        before = server.resident
        await _open_sessions(client, SESSIONS - 1)
        await server.settle()
        return (server.resident - before) / (SESSIONS - 1)


async def _open_sessions(client: Client, count: int) -> None:
    """Open sessions as clients do, and leave them."""
    said = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}, "roots": {}}}
    said["clientInfo"] = {"name": "bench", "version": "1"}
    initialize = orjson.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": said})
    initialized = orjson.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    headers = {name: value for name, value in client.headers.items() if name != "Mcp-Session-Id"}

    async def some(http: aiohttp.ClientSession, number: int) -> None:
        for _ in range(number):
            async with http.post(client.url, data=initialize, headers=headers) as response:
                response.raise_for_status()
                await response.read()
                session = {"Mcp-Session-Id": response.headers["Mcp-Session-Id"]}
            async with http.post(client.url, data=initialized, headers=headers | session) as response:
                response.raise_for_status()

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for part in range(8):
            group.create_task(some(http, count // 8 + (part < count % 8)))


async def question_milliseconds(cloud: LocalCloud, folder: Path, times: int = 300) -> float:
    """Return how long a call takes that asks the person for approval, who answers at once; the median."""
    async with protected(cloud, folder / "question.log") as (server, _), aiohttp.ClientSession() as http:
        client = await opened(server, cloud.access_token(), {"elicitation": {}})
        took = []
        for number in range(times):
            started = time.perf_counter()
            await _approved_call(http, client, number)
            took.append((time.perf_counter() - started) * 1000)
    return sorted(took)[times // 2]


async def _approved_call(http: aiohttp.ClientSession, client: Client, number: int) -> None:
    call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "get_random_number"}}
    async with http.post(client.url, json=call, headers=client.headers) as stream:
        async for line in stream.content:
            if not line.startswith(b"data: {"):
                continue
            message = orjson.loads(line[6:])
            if message.get("method") != "elicitation/create":
                if message["result"].get("isError"):
                    raise RuntimeError("the call has failed")
                return
            answer = {"jsonrpc": "2.0", "id": message["id"]}
            answer["result"] = {"action": "accept", "content": {"approve": True}}
            async with http.post(client.url, json=answer, headers=client.headers) as response:
                response.raise_for_status()
    raise RuntimeError("the stream has ended without an answer")


async def endured(folder: Path, calls: int = 200_000) -> Endurance:
    """Call at least `calls` times, and compare memory and tasks with those after a tenth of it."""
    port = free_port()
    async with running(
        port, "tests.benchmarks.subjects", "watched", str(port), log=folder / "e.log"
    ) as server:
        client = await opened(server, None)
        await _calls(client, calls // 10)
        await server.settle()
        before, tasks = server.resident, await _tasks(server)
        done = await _calls(client, calls)
        await server.settle()
        return Endurance(done, before, server.resident, tasks, await _tasks(server))


async def _calls(client: Client, count: int) -> int:
    done = 0
    while done < count:
        load = await measured(client, connections=16, seconds=5)
        if load.failures:
            raise RuntimeError(f"{load.failures} calls have failed")
        done += load.calls
    return done


async def _tasks(server: Running) -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.get(server.url.removesuffix("/mcp") + "/tasks") as response,
    ):
        return int(await response.json())
