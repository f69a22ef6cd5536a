"""Calls without a session (2026-07-28) and without tokens beside calls with both, and beside the SDK 2.x."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.load import Load, measured
from tests.benchmarks.processes import HEADERS, Client, Running, running
from tests.benchmarks.ratios import Times, in_pairs
from tests.benchmarks.table import CONNECTIONS, protected, unprotected
from tests.ports import free_port
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
"""How often everybody's turn comes in a round, for a second each."""


class Round(NamedTuple):
    """A load, and the processor time that each of its calls took, in microseconds."""

    load: Load
    spent: float


class Eras(NamedTuple):
    """What each did, round by round; the same places in two lists of one length belong together."""

    stateless: list[Round]
    alone: list[Round]
    """The transport alone, without tokens, audit and approval, as the SDK is measured; no session either."""
    sdk_mode: list[Round]
    """The SDK's own mode without sessions, `stateless_http=True`, called as in 2025-11-25."""
    sdk: list[Round]
    """The same server called as in 2026-07-28."""
    tokens: dict[int, list[Round]]
    """Calls in a session, by the number of connections."""
    open: dict[int, list[Round]]
    """The same of a server without tokens."""

    @property
    def session(self) -> list[Round]:
        """Calls in a session, at 8 connections."""
        return self.tokens[8]

    def rate(self, rounds: list[Round]) -> float:
        """Return the median rate."""
        return _median([one.load.rate for one in rounds])

    def microseconds(self, rounds: list[Round]) -> float:
        """Return the median of the processor time."""
        return _median([one.spent for one in rounds])

    def times_without_tokens(self, connections: int) -> Times:
        """Compare calls with tokens to those without."""
        return in_pairs(_spent(self.tokens[connections]), _spent(self.open[connections]))

    @property
    def times_in_session(self) -> Times:
        """Compare calls without a session to those in one."""
        return in_pairs(_spent(self.stateless), _spent(self.session))


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
    """Measure in turns: both eras in one process with tokens, one of them without, and the SDK without.

    They differ by less than the machine does from one second to the next, so those turns are short.
    """
    eras = Eras([], [], [], [], {n: [] for n in CONNECTIONS}, {n: [] for n in CONNECTIONS})
    for _ in range(rounds):
        async with (
            protected(cloud, folder / "eras.log") as (server, client),
            unprotected(folder / "open.log") as (other, anybody),
        ):
            turns = [
                (eras.stateless, server, without_session(client), 8),
                *((eras.tokens[n], server, client, n) for n in CONNECTIONS),
                *((eras.open[n], other, anybody, n) for n in CONNECTIONS),
            ]
            for _, _, caller, connections in turns:
                await measured(caller, connections=connections, seconds=1)  # warm
            for turn in range(_TURNS):
                for found, called, caller, connections in turns if turn % 2 else reversed(turns):
                    found.append(await _round(called, caller, 1, connections))
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


async def _round(server: Running, client: Client, seconds: int, connections: int = 8) -> Round:
    before = server.cpu_seconds
    load = await measured(client, connections=connections, seconds=seconds)
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
    return in_pairs(_spent(others), _spent(ones)).ratio


def _spent(rounds: list[Round]) -> list[float]:
    return [one.spent for one in rounds]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
