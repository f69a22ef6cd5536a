"""Calls without a session (2026-07-28) beside calls in one, and beside the SDK 2.x's stateless JSON mode."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.load import Load, measured
from tests.benchmarks.processes import HEADERS, Client, Running, running
from tests.benchmarks.table import free_port, protected
from tests.sdk2.environment import PROGRAMS, sdk2_python

from mcpsecurity.localcloud import LocalCloud

__all__ = ["VERSION", "Eras", "compared_eras", "sdk2_version", "times", "without_session"]

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}


_TURNS = 4
"""How often each era's turn comes in a round, for a second each."""


class Round(NamedTuple):
    """A load, and the processor time that each of its calls took, in microseconds."""

    load: Load
    spent: float


class Eras(NamedTuple):
    """What each did, round by round; the same places in two lists of one length belong together."""

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
        return _median([one.load.rate for one in rounds])

    def microseconds(self, rounds: list[Round]) -> float:
        """Return the median of the processor time."""
        return _median([one.spent for one in rounds])


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
    """Measure in turns: both eras in one process, with tokens, and the SDK without.

    The eras differ by less than the machine does from one second to the next, so they take short turns.
    """
    eras = Eras([], [], [], [], [])
    for _ in range(rounds):
        async with protected(cloud, folder / "eras.log") as (server, client):
            pairs = [(eras.session, client), (eras.stateless, without_session(client))]
            for _, caller in pairs:
                await measured(caller, connections=8, seconds=1)  # warm
            for turn in range(_TURNS):
                for found, caller in pairs if turn % 2 else reversed(pairs):
                    found.append(await _round(server, caller, 1))
        async with _alone(folder / "alone.log") as (server, client):
            await measured(client, connections=8, seconds=1)
            eras.alone.append(await _round(server, client, seconds))
        async with _sdk(folder / "sdk2.log") as (server, client):
            pairs = [(eras.sdk_mode, client), (eras.sdk, without_session(client))]
            for found, caller in pairs:
                await measured(caller, connections=8, seconds=1)
                found.append(await _round(server, caller, seconds))
    return eras


def sdk2_version() -> str:
    """Return the version of the SDK in its own environment."""
    found = distributions(name="mcp", path=[str(path) for path in _site_packages()])
    return next(iter(found)).version


async def _round(server: Running, client: Client, seconds: int) -> Round:
    before = server.cpu_seconds
    load = await measured(client, connections=8, seconds=seconds)
    if load.failures:
        raise RuntimeError(f"{load.failures} calls have failed")
    return Round(load, (server.cpu_seconds - before) / (load.rate * seconds) * 1e6)


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
    """Return how many of the ones take as much processor time as one of the others; the median of the rounds,
    or of all that were measured if one of the two had more turns.

    On a core that is busy with nothing else this is the ratio of the rates; the rates also tell what else the
    machine does, and differ by more than the two eras do.
    """
    if len(ones) != len(others):
        return _median([other.spent for other in others]) / _median([one.spent for one in ones])
    return _median([other.spent / one.spent for one, other in zip(ones, others, strict=True)])


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
