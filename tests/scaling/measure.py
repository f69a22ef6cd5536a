"""Measures what Redis costs a server, and what a second worker brings: calls of a tool per second.

python -m tests.scaling.measure [--seconds 6]
"""

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from cryptography.fernet import Fernet
from tests.benchmarks.load import Load, measured
from tests.benchmarks.processes import Running, opened
from tests.support.ports import free_port
from tests.support.programs import Program, redis_server

_CONNECTIONS = 32
_ROUNDS = 3


class _Address:
    """What `opened` needs to know of a server."""

    def __init__(self, url: str) -> None:
        self.url = url


@asynccontextmanager
async def _server(*arguments: str, redis: Program | None) -> AsyncIterator[str]:
    port = free_port()
    environment = {**os.environ, "MCP_SERVER_PORT": str(port), "MCPSECURITY_LOG_LEVEL": "WARNING"}
    if redis is not None:
        environment["MCPSECURITY_REDIS_URL"] = f"redis://127.0.0.1:{redis.port}"
        environment["MCPSECURITY_KEYS"] = Fernet.generate_key().decode()
    command = [sys.executable, "-m", "mcpsecurity", "server", "--no-auth", *arguments]
    program = Program(command, port, environment=environment)
    try:
        await program.start()
        await asyncio.sleep(4)  # all workers listen
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        await program.stop()


async def _rate(url: str, seconds: int) -> Load:
    client = await opened(cast("Running", _Address(url)), None)
    return await measured(client, connections=_CONNECTIONS, seconds=seconds)


async def _measure(seconds: int) -> None:
    async with redis_server() as redis:
        kinds: dict[str, tuple[tuple[str, ...], Program | None]] = {
            "one process, no Redis": ((), None),
            "one process, Redis": ((), redis),
            "two workers, Redis": (("--workers", "2"), redis),
        }
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(_ROUNDS):
            for kind, (arguments, shared) in kinds.items():
                async with _server(*arguments, redis=shared) as url:
                    load = await _rate(url, seconds)
                found[kind].append(load.rate)
                print(f"{kind}: {load.rate:.0f}/s, p99 {load.p99:.1f} ms, {load.failures} failed", flush=True)
    alone, one, two = (statistics.median(rates) for rates in found.values())
    print(f"Redis costs {1 - one / alone:.0%}; two workers give {two / one:.2f} times one")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=6)
    asyncio.run(_measure(parser.parse_args().seconds))
