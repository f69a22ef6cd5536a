"""One topology for all tests that need it: to start it takes longer than most of them."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from tests.browser.playground import Playground
from tests.scaling.topology import Topology, running_topology
from tests.webclient.person import WebPerson

from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.runtime.service import started_runner
from mcpsecurity.testing import LocalStack
from mcpsecurity_server.transport import mount_mcp


@pytest.fixture(scope="session")
def local() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session")
async def playground_server() -> AsyncIterator[tuple[Playground, str]]:
    """An MCP server of somebody else's, in this process, and where it is."""
    playground, app = Playground(), web.Application()
    mount_mcp(app, playground.mcp)
    runner = await started_runner(app)
    yield playground, f"http://localhost:{runner.addresses[0][1]}/mcp"
    await runner.cleanup()


@pytest.fixture
def playground(playground_server: tuple[Playground, str]) -> Playground:
    """The other MCP server, which has forgotten what tests before did."""
    playground_server[0].reset()
    return playground_server[0]


@pytest.fixture(scope="session")
async def running(local: LocalStack, playground_server: tuple[Playground, str]) -> AsyncIterator[Topology]:
    servers = json.dumps([{"name": "playground", "url": playground_server[1], "asks": True}])
    more = {"WEBCLIENT_MCP_SERVERS": servers, "WEBCLIENT_STOP_GRACE": "4", "WEBCLIENT_MODELS": _models(local)}
    async with running_topology(local, **more) as topology:
        yield topology


def _models(local: LocalStack) -> str:
    """Return the usual model, one that sees pictures, and one that reads little, so that it needs notes."""
    where = {"endpoint": local.cloud.openai_endpoint, "key": local.cloud.openai_api_key}
    usual = {"name": local.cloud.openai_deployment, **where}
    seeing = {"name": "seeing", "model": "offline-vision", "images": True, **where}
    return json.dumps([usual, seeing, {**seeing, "name": "small", "context_window": 16_000}])


@pytest.fixture
async def topology(running: Topology, local: LocalStack) -> AsyncIterator[Topology]:
    """The topology with all of its services: those that a test stops are started again after it."""
    yield running
    local.faults.clear()
    local.cloud.model.pace = 0.0
    await running.mend()


@pytest.fixture
async def somebody(local: LocalStack, topology: Topology) -> AsyncIterator[WebPerson]:
    """Somebody who never was here before, signed in; `oid` is her object id."""
    oid = f"10ca1c10-0d00-4000-8000-{secrets.token_hex(6)}"
    name = f"{oid[-12:]}@contoso.example"
    local.cloud.tenant.directory.users[name] = User("Somebody", name, oid, home_oid=oid)
    async with WebPerson(topology.url, local.cloud.ca_file) as person:
        person.oid, person.name = oid, name
        yield await person.sign_in(name)
