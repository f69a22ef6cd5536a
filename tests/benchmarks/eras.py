"""Calls without a session (2026-07-28) and without tokens beside calls with both, and beside the SDK 2.x."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import distributions
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

from tests.benchmarks.load import Load, measured
from tests.benchmarks.processes import HEADERS, Client, Running, running
from tests.benchmarks.table import protected
from tests.sdk2.environment import PROGRAMS, sdk2_python
from tests.support.ports import free_port

from mcpsecurity.localcloud import LocalCloud

__all__ = ["VERSION", "Eras", "compared_eras", "sdk2_version", "times", "without_session"]

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}


class Round(NamedTuple):
    """Calls per second, and the processor time that each of them took, in microseconds."""

    rate: float
    spent: float


class Eras(NamedTuple):
    """What each did, round by round."""

    session: list[Round]
    stateless: list[Round]
    alone: list[Round]
    """The transport alone, without tokens, audit and approval, as the SDK is measured; no session either."""
    sdk_mode: list[Round]
    """The SDK's own mode without sessions, `stateless_http=True`, called as in 2025-11-25."""
    sdk: list[Round]
    """The same server called as in 2026-07-28."""

    def rate(self, rounds: list[Round]) -> float:
        """Return the median rate."""
        return median(one.rate for one in rounds)

    def microseconds(self, rounds: list[Round]) -> float:
        """Return the median of the processor time."""
        return median(one.spent for one in rounds)


def without_session(client: Client) -> Client:
    """Return what the caller of a session has to send without one."""
    kept = {
        name: value
        for name, value in client.headers.items()
        if name not in ("Mcp-Session-Id", "MCP-Protocol-Version")
    }
    named = {"MCP-Protocol-Version": VERSION, "Mcp-Method": "tools/call", "Mcp-Name": "get_random_number"}
    return Client(client.url, kept | named, META)


async def compared_eras(cloud: LocalCloud, folder: Path, *, seconds: int, rounds: int) -> Eras:
    """Measure both eras with tokens, one of them without, and the SDK without."""
    eras = Eras([], [], [], [], [])
    for _ in range(rounds):
        async with protected(cloud, folder / "eras.log") as (server, client):
            both = [(eras.session, client), (eras.stateless, without_session(client))]
            await _loaded(server, both, seconds)
        async with _alone(folder / "alone.log") as (server, client):
            await _loaded(server, [(eras.alone, client)], seconds)
        async with _sdk(folder / "sdk2.log") as (server, client):
            await _loaded(server, [(eras.sdk_mode, client), (eras.sdk, without_session(client))], seconds)
    return eras


def sdk2_version() -> str:
    """Return the version of the SDK in its own environment."""
    found = distributions(name="mcp", path=[str(path) for path in _site_packages()])
    return next(iter(found)).version


async def _loaded(server: Running, callers: list[tuple[list[Round], Client]], seconds: int) -> None:
    """Let callers load a server in turns of a second, in random order, and note what became of it."""
    for _, client in callers:
        await measured(client, connections=8, seconds=1)  # warm
    loads: list[list[Load]] = [[] for _ in callers]
    spent = [0.0] * len(callers)
    for _ in range(seconds):
        for which in random.sample(range(len(callers)), len(callers)):
            before = server.cpu_seconds
            load = await measured(callers[which][1], connections=8, seconds=1)
            if load.failures:
                raise RuntimeError(f"{load.failures} calls have failed")
            loads[which].append(load)
            spent[which] += server.cpu_seconds - before
    for (found, _), its, took in zip(callers, loads, spent, strict=True):
        calls = sum(load.calls for load in its)
        found.append(Round(mean(load.rate for load in its), took / calls * 1e6))


@asynccontextmanager
async def _alone(log: Path) -> AsyncIterator[tuple[Running, Client]]:
    port = free_port()
    async with running(port, "tests.benchmarks.subjects", "mounted", str(port), log=log) as server:
        await server.settle()
        yield server, without_session(Client(server.url, HEADERS))


@asynccontextmanager
async def _sdk(log: Path) -> AsyncIterator[tuple[Running, Client]]:
    port = free_port()
    command = (str(PROGRAMS / "server.py"), str(port))
    async with running(port, *command, log=log, interpreter=sdk2_python()) as server:
        await server.settle()
        yield server, Client(server.url, HEADERS | {"MCP-Protocol-Version": "2025-11-25"})


def _site_packages() -> list[Path]:
    return list(sdk2_python().parent.parent.glob("[Ll]ib*/**/site-packages"))


def times(ones: list[Round], others: list[Round]) -> float:
    """Return how many of the ones take as much processor time as one of the others; the median of the rounds.

    On a core that is busy with nothing else this is the ratio of the rates; the rates also tell what else the
    machine does.
    """
    return median(other.spent / one.spent for one, other in zip(ones, others, strict=True))
