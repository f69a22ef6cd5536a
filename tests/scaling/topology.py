"""The whole product as it is operated: two servers and two web chats as processes, behind a proxy that deals
requests out in turn, on Redis and PostgreSQL."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from cryptography.fernet import Fernet
from redis.asyncio import Redis
from tests.support.ports import free_port
from tests.support.programs import Program, nginx, postgresql, redis_server, unmeasured

from mcpsecurity.testing import LocalStack

__all__ = ["Replica", "Topology", "running_topology"]


class Replica(Program):
    """One process of a service; what it logs is in a file."""

    def __init__(self, service: str, port: int, environment: dict[str, str], log: Path) -> None:
        super().__init__(
            [sys.executable, "-m", "mcpsecurity", service], port, environment=environment, log=log
        )
        self._log_file = log
        self._usual = environment
        self.changed = False

    async def restart(self, **changes: str) -> None:
        """Stop it and start it, with changes of its environment that last until the next restart."""
        await self.stop()
        self.changed = bool(changes)
        self._environment = {**self._usual, **changes}
        await self.start()

    @property
    def mcp_url(self) -> str:
        """A server's endpoint without the proxy."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def logged(self, text: str) -> int:
        """Return how often it has logged something so far."""
        return self._log_file.read_text("utf-8").count(text)

    def listens_on(self, port: int) -> bool:
        """Tell whether a port is this process's."""
        found = psutil.Process(self.pid).net_connections("tcp")
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in found)


class Topology:
    """What runs, and where people and clients reach it."""

    def __init__(
        self,
        local: LocalStack,
        redis: Program,
        database: Program,
        address: str,
        folder: Path,
        more: Mapping[str, str],
    ) -> None:
        self.redis = redis
        self.database = database
        web_port, mcp_port = free_port(), free_port()
        self.url, self.mcp_url = f"http://localhost:{web_port}", f"http://localhost:{mcp_port}/mcp"
        local.cloud.register_mcp_url(self.mcp_url)
        local.cloud.register_webclient_url(self.url)
        common = {
            **unmeasured(),
            **local.environment,
            "MCP_SERVER_URL": self.mcp_url,
            "MCP_SERVER_APP_ID_URI": self.mcp_url,
            "MCPSECURITY_REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            "MCPSECURITY_KEYS": Fernet.generate_key().decode(),
            "WEBCLIENT_URL": self.url,
            "WEBCLIENT_CLIENT_ID": local.cloud.web_client_id,
            "WEBCLIENT_CLIENT_SECRET": local.cloud.web_client_secret,
            "WEBCLIENT_DATABASE_URL": address,
            **more,
        }
        self.web = [self._replica("webclient", "WEBCLIENT_PORT", n, common, folder) for n in range(2)]
        self.mcp = [self._replica("server", "MCP_SERVER_PORT", n, common, folder) for n in range(2)]
        self.upstreams = {web_port: [r.port for r in self.web], mcp_port: [r.port for r in self.mcp]}

    @property
    def replicas(self) -> list[Replica]:
        """All four processes."""
        return [*self.web, *self.mcp]

    async def mend(self) -> None:
        """Start what does not run, and stop what runs otherwise than at first."""
        for service in (self.redis, self.database):
            if not service.runs:
                await service.start()
        async with asyncio.TaskGroup() as group:
            for replica in self.replicas:
                if replica.changed:
                    group.create_task(replica.restart())
                elif not replica.runs:
                    group.create_task(replica.start())

    async def owner_of(self, person: str) -> Replica:
        """Return the web chat that has a person's conversations open, by her object id."""
        client: Any = Redis(port=self.redis.port, decode_responses=True)
        async with client as redis:
            (name,) = [key async for key in redis.scan_iter("mcpsecurity:person:*") if key.endswith(person)]
            address = await redis.get(name)
        port = int(address.rpartition(":")[2])
        return next(replica for replica in self.web if replica.listens_on(port))

    async def calls_made(self, tool: str, at_least: int = 0) -> int:
        """Return how often the servers ran a tool; wait until it is so often: their logs come in batches."""
        async with asyncio.timeout(90):
            while (made := sum(replica.logged(f'"tool":"{tool}"') for replica in self.mcp)) < at_least:  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        return made

    def _replica(self, service: str, key: str, number: int, common: dict[str, str], folder: Path) -> Replica:
        port = free_port()
        return Replica(service, port, common | {key: str(port)}, folder / f"{service}{number}.log")


@asynccontextmanager
async def running_topology(local: LocalStack, **environment: str) -> AsyncIterator[Topology]:
    """Start everything, and stop it. `environment` is for all replicas."""
    async with AsyncExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory())
        redis = await running.enter_async_context(redis_server())
        database, address = await running.enter_async_context(postgresql())
        topology = Topology(local, redis, database, address, Path(folder), environment)
        for replica in topology.replicas:
            running.push_async_callback(replica.stop)
        await asyncio.gather(*(replica.start() for replica in topology.replicas))
        await running.enter_async_context(nginx(topology.upstreams))
        yield topology
