"""compose.demo.yaml without a container engine.

Its containers share one network, as the processes of one machine do. So its services run as processes here:
Redis, PostgreSQL and nginx as they are installed, the project's own by the command that a test makes of
theirs. Only the ports are others.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import yaml
from tests.support.installed import ROOT
from tests.support.ports import free_port
from tests.support.programs import Program, nginx_with, postgresql, program
from tests.webclient.person import WebPerson
from yarl import URL

__all__ = ["ASK", "Service", "composed", "does_its_job", "read_demo"]

ASK = "Please generate a random number between 5 and 5"
PORTS = (5001, 5002, 5432, 6379, 7080, 7133, 7134, 7443, 8080, 8081, 8082)
"""All ports in compose.demo.yaml and nginx.demo.conf."""

Service = dict[str, Any]
Started = tuple[Sequence[str], Mapping[str, str] | None]
"""A program with its arguments, and its whole environment, if it is not this process's."""

_DEPLOY = ROOT / "deploy"


def read_demo(ports: Mapping[int, int] | None = None) -> dict[str, Service]:
    """Return the services of compose.demo.yaml, with other ports if these are given."""
    text = (_DEPLOY / "compose.demo.yaml").read_text("utf-8")
    services: dict[str, Service] = yaml.safe_load(_moved(text, ports or {}))["services"]
    return services


@asynccontextmanager
async def composed(own: Callable[[str, Service], Started]) -> AsyncIterator[dict[int, int]]:
    """Start all services, each after those that it depends on; yield the ports, by those in the files.

    `own` says how one of the project's own services is started: its name and its entry in the file.
    """
    ports = {port: free_port() for port in PORTS}
    services = read_demo(ports)
    order = TopologicalSorter({name: entry.get("depends_on", {}) for name, entry in services.items()})
    async with AsyncExitStack() as running:
        logs = Path(running.enter_context(TemporaryDirectory()))
        for name in order.static_order():
            if name == "postgres":
                await _database(running, services[name], ports[5432])
            elif name == "redis":
                await _start(running, logs / name, services[name], _redis(services[name]))
            elif name != "proxy":
                await _start(running, logs / name, services[name], own(name, services[name]))
        await running.enter_async_context(nginx_with(_proxy(services["proxy"], ports), ports[8080]))
        yield ports


async def _start(running: AsyncExitStack, log: Path, service: Service, started: Started) -> None:
    """Start a service; the error, if it does not answer, has what it logged."""
    command, environment = started
    process = Program(command, _port_of(service), environment=environment, ready=_health(service), log=log)
    running.push_async_callback(process.stop)
    try:
        await process.start()
    except (RuntimeError, TimeoutError) as error:
        error.add_note(f"{log.name} said: {await asyncio.to_thread(log.read_text, 'utf-8')}")
        raise


async def does_its_job(ports: Mapping[int, int], ca_file: Path) -> None:
    """Sign in at the proxy, have a tool called, and see that strangers get nothing."""
    chat, tools = f"http://localhost:{ports[8080]}", f"http://localhost:{ports[8081]}/mcp"
    async with WebPerson(chat, ca_file) as alice:
        await _sees_the_sign_in_page(alice, ports)
        await alice.sign_in()
        async with alice.page() as page:
            call = await alice.ask(page, ASK)
            assert call["tool"] == "get_random_number"
            assert await alice.decide(call) == 202
            assert (await page.until("run.done"))["status"] == "completed"
            answers = [data["message"]["text"] for event, data in page.seen if event == "message.done"]
            assert "5 is **5**" in answers[-1]
    async with aiohttp.ClientSession() as http, http.post(tools, json={}) as refused:
        assert refused.status == 401
        assert f"localhost:{ports[8081]}/" in refused.headers["WWW-Authenticate"]


async def _sees_the_sign_in_page(person: WebPerson, ports: Mapping[int, int]) -> None:
    """Follow the way to the tenant's page as a browser outside does, which meets the proxy at that port."""
    async with person.http.get(f"{person.url}/signin", allow_redirects=False) as response:
        address = URL(response.headers["Location"])
    assert address.origin() == URL(f"http://localhost:{ports[7080]}")
    outside = {"Host": address.authority}
    async with person.http.get(address.with_port(ports[8082]), headers=outside) as page:
        assert page.status == 200
        assert "alice@contoso.example" in await page.text()


def _moved(text: str, ports: Mapping[int, int]) -> str:
    return re.sub(r"(?<![\w-])\d{4}(?![\w-])", lambda found: str(ports.get(int(found[0]), found[0])), text)


def _port_of(service: Service) -> int:
    """Return the port at which a service is ready."""
    if "redis" in service["image"]:
        return int(service["command"][service["command"].index("--port") + 1])
    keys = ("LOCALCLOUD_HTTP_PORT", "MCP_SERVER_PORT", "WEBCLIENT_PORT")
    (port,) = (int(value) for key, value in service["environment"].items() if key in keys)
    return port


def _health(service: Service) -> list[str]:
    test = service.get("healthcheck", {}).get("test", [])[1:]
    return [sys.executable if word == "python" else word for word in test]


def _redis(service: Service) -> Started:
    return [program("redis-server"), *service["command"][1:], "--dir", "/"], None


async def _database(running: AsyncExitStack, service: Service, port: int) -> None:
    environment = service["environment"]
    assert environment["POSTGRES_HOST_AUTH_METHOD"] == "trust"
    assert f"port={port}" in service["command"]
    user = environment["POSTGRES_USER"]
    await running.enter_async_context(postgresql(user=user, port=port))
    options = ("-h", "127.0.0.1", "-p", str(port), "-U", user)
    making = await asyncio.create_subprocess_exec(
        program("createdb"), *options, environment["POSTGRES_DB"], cwd="/"
    )
    assert await making.wait() == 0


def _proxy(service: Service, ports: Mapping[int, int]) -> str:
    """Return what nginx is given, listening on loopback: this machine may have neighbours."""
    files = [volume.split(":")[0] for volume in service["volumes"]]
    text = "".join((_DEPLOY / file).read_text("utf-8") for file in files)
    return re.sub(r"\blisten (?=\d)", "listen 127.0.0.1:", _moved(text, ports))
