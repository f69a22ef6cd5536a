"""`--workers N`: several processes on one port; a dead one is replaced; several need a Redis."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import psutil
import pytest
from cryptography.fernet import Fernet
from tests.support.ports import free_port
from tests.support.programs import redis_server

from mcpsecurity.settings import Settings, settings_of
from mcpsecurity.workers import run_workers

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def started(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcpsecurity", *arguments,
        env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def settings(port: int, redis: int) -> Mapping[str, str]:
    return {
        "MCP_SERVER_PORT": str(port),
        "MCPSECURITY_REDIS_URL": f"redis://127.0.0.1:{redis}",
        "MCPSECURITY_KEYS": Fernet.generate_key().decode(),
    }


async def test_several_workers_without_a_redis_are_refused_by_name() -> None:
    async with started("server", "--no-auth", "--workers", "2", MCP_SERVER_PORT=str(free_port())) as process:
        _, told = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 2
    assert "MCPSECURITY_REDIS_URL" in told.decode()


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_several_workers_are_refused_where_one_would_get_all_connections(
    system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"redis_url": "redis://localhost", "keys": Fernet.generate_key().decode()}
    code = run_workers(
        2, ["server"], settings_of(Settings, **given), host="127.0.0.1", port=0, name="server", system=system
    )
    assert code == 1
    assert "several workers need Linux" in capsys.readouterr().err


async def test_workers_serve_one_port_and_a_dead_one_is_replaced() -> None:
    port = free_port()
    async with (
        redis_server() as redis,
        started("server", "--no-auth", "--workers", "2", **settings(port, redis.port)) as process,
        asyncio.timeout(90),
    ):
        first = await workers(process, 2)
        await answered(port)
        first[0].send_signal(signal.SIGKILL)
        while not (now := await workers(process, 2)) or first[0] in now:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        await answered(port)
        process.terminate()
        assert await process.wait() == 0
        assert not [worker for worker in now if worker.is_running()]


async def test_a_taken_port_is_told_by_the_parent() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with started("server", "--no-auth", "--workers", "2", **settings(port, 1)) as process:
        _, told = await asyncio.wait_for(process.communicate(), 90)
    server.close()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in told.decode()


async def workers(process: asyncio.subprocess.Process, count: int) -> list[psutil.Process]:
    while len(found := psutil.Process(process.pid).children()) < count:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.05)
    return found


async def answered(port: int) -> None:
    """A session that one connection began is known on every other: each may reach another worker."""
    url = f"http://127.0.0.1:{port}/mcp"
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    begin = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    while True:
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.post(url, json=begin, headers=HEADERS) as response,
            ):
                assert response.status == 200
                session = {"Mcp-Session-Id": response.headers["Mcp-Session-Id"]}
                break
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
    for _ in range(12):
        async with aiohttp.ClientSession() as http:
            try:
                async with http.post(url, json=PING, headers=HEADERS | session) as response:
                    assert response.status == 200, await response.text()
            except aiohttp.ClientConnectionError:  # it was the one that has just been killed
                continue
