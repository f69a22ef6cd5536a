"""Requests a second: this server beside others, all in one run, each on the same core."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.load import Load, measured
from tests.benchmarks.processes import Client, Running, opened, running
from tests.support.ports import free_port

from mcpsecurity.localcloud import LocalCloud

__all__ = [
    "CONNECTIONS",
    "OTHERS",
    "OURS",
    "Row",
    "compared",
    "printed",
    "protected",
    "subject",
]

OURS = "mcpsecurity server, tokens validated"
OTHERS = {
    "open": "the same with --no-auth",
    "mounted": "the transport alone: no tokens, audit or approval",
    "bare": "bare aiohttp handler, JSON",
    "tiny": "aiohttp-tiny-mcp",
    "sdk-json": "SDK 1.30 on uvicorn, JSON, no tokens",
    "sdk-sse": "SDK 1.30 on uvicorn, SSE, no tokens",
}
CONNECTIONS = (8, 64)


@dataclass(slots=True)
class Row:
    """What one server did: for each number of connections the rounds, and memory at the end."""

    name: str
    loads: dict[int, list[Load]] = field(default_factory=dict)
    processor: dict[int, list[float]] = field(default_factory=dict)
    resident: int = 0

    def at(self, connections: int) -> Load:
        """Return the round with the median rate."""
        rounds = sorted(self.loads[connections])
        return rounds[len(rounds) // 2]

    def microseconds(self, connections: int) -> float:
        """Return the processor time that a call takes; what else the machine does hardly changes it."""
        rounds = sorted(self.processor[connections])
        return rounds[len(rounds) // 2]


@asynccontextmanager
async def protected(cloud: LocalCloud, log: Path) -> AsyncIterator[tuple[Running, Client]]:
    """Run `mcpsecurity server` behind tokens of a local tenant, and open a session."""
    port = free_port()
    environment = {
        "MCP_SERVER_PORT": str(port),
        "MCP_SERVER_URL": f"http://127.0.0.1:{port}/mcp",
        "MCP_SERVER_CLIENT_ID": cloud.api_client_id,
        "ENTRA_TENANT_ID": cloud.tenant_id,
        "ENTRA_AUTHORITY": cloud.authority,
        "MCPSECURITY_CA_FILE": str(cloud.ca_file),
    }
    async with running(port, "mcpsecurity_server", log=log, environment=environment) as server:
        await server.settle()
        yield server, await opened(server, cloud.access_token())


@asynccontextmanager
async def _unprotected(log: Path) -> AsyncIterator[tuple[Running, Client]]:
    """Run the same server for everybody."""
    port = free_port()
    environment = {"MCP_SERVER_PORT": str(port), "MCP_SERVER_URL": f"http://127.0.0.1:{port}/mcp"}
    command = ("mcpsecurity_server", "--no-auth")
    async with running(port, *command, log=log, environment=environment) as server:
        await server.settle()
        yield server, await opened(server, None)


@asynccontextmanager
async def _other(name: str, log: Path) -> AsyncIterator[tuple[Running, Client]]:
    port = free_port()
    async with running(port, "tests.benchmarks.subjects", name, str(port), log=log) as server:
        await server.settle()
        yield server, await opened(server, None)


def subject(name: str, cloud: LocalCloud, log: Path) -> AbstractAsyncContextManager[tuple[Running, Client]]:
    """Run a server of the table, `ours` or one of `OTHERS`, and open a session if it has such."""
    if name == "ours":
        return protected(cloud, log)
    return _unprotected(log) if name == "open" else _other(name, log)


async def compared(cloud: LocalCloud, folder: Path, *, seconds: int, rounds: int) -> list[Row]:
    """Measure every server `rounds` times, in turns: what else the machine does then meets all of them."""
    rows = {name: Row(label) for name, label in {"ours": OURS, **OTHERS}.items()}
    for _ in range(rounds):
        for name, row in rows.items():
            async with subject(name, cloud, folder / f"{name}.log") as (server, client):
                await measured(client, connections=8, seconds=1)  # warm
                for connections in CONNECTIONS:
                    before = server.cpu_seconds
                    load = await measured(client, connections=connections, seconds=seconds)
                    spent = (server.cpu_seconds - before) / load.calls * 1e6
                    row.processor.setdefault(connections, []).append(spent)
                    if load.failures:
                        raise RuntimeError(f"{name}: {load.failures} calls have failed")
                    row.loads.setdefault(connections, []).append(load)
                row.resident = max(row.resident, server.resident)
    return list(rows.values())


def printed(rows: Iterable[Row]) -> str:
    """Return the table as Markdown; a ratio is our rate divided by the row's."""
    rows = list(rows)
    lines = [
        "| server | connections | requests/s | p50 ms | p99 ms | CPU µs a call | memory MiB | ours is |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for connections in CONNECTIONS:
        ours = rows[0].at(connections).rate
        for row in rows:
            load = row.at(connections)
            lines.append(
                f"| {row.name} | {connections} | {load.rate:,.0f} | {load.p50:.2f} | {load.p99:.2f} "
                f"| {row.microseconds(connections):.0f} | {row.resident / 2**20:.0f} "
                f"| {_ratio(ours / load.rate)} |"
            )
    return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"{value:.1f} ×" if value >= 1 else f"{value:.0%}"
