"""An outsider's project tests three servers with every way to run tests, each in a test run of its own.

The project has the wheel and its own pytest, in a fresh environment. One server is its own program for the
SDK 1, one a program for the SDK 2, and one runs already and is known by its URL.
"""

import re
from pathlib import Path

import pytest
from tests.sdk2.environment import sdk2_python
from tests.support.installed import ROOT, installed

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(200)

CONFTEST = """
import subprocess, sys, os, time, socket
import pytest
from mcp.server.fastmcp import FastMCP
from mcpsecurity.testing import ServerCommand

@pytest.fixture(scope="session")
def mcp_under_test():
    mcp = FastMCP("Own", log_level="WARNING")
    mcp.add_tool(lambda: "hello", name="greet")
    return mcp

@pytest.fixture(scope="session")
def in_sdk_2(local_stack):
    return local_stack.serve(ServerCommand([{sdk2_python!r}, {sdk2_server!r}]))

@pytest.fixture(scope="session")
def by_url(local_stack):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{{port}}/mcp"
    own = {{"MCP_SERVER_PORT": str(port), "MCP_SERVER_APP_ID_URI": url}}
    environment = local_stack.environment_of(url) | own
    command = [sys.executable, "-m", "mcpsecurity", "server"]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield local_stack.serve(url)
        process.terminate()

@pytest.fixture(scope="session")
def servers(mcp_server, in_sdk_2, by_url):
    return {{"own": mcp_server, "sdk 2": in_sdk_2, "url": by_url}}

async def tools_of(server):
    async with server.session("bob") as session:
        return {{tool.name for tool in await session.list_tools()}}
"""

STRICT = """
import unittest
import pytest
from conftest import tools_of
from mcpsecurity.client import SignInRequiredError
from mcpsecurity.testing import LocalStack

@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["own", "sdk 2", "url"])
async def test_strict(servers, name):
    assert ("get_random_number" if name == "url" else "greet") in await tools_of(servers[name])
    with pytest.raises(SignInRequiredError):
        async with servers[name].session("bob", expired=True):
            pass

class TestIt(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _with(self, servers):
        self.servers = servers

    async def test_async(self):
        for server in self.servers.values():
            self.assertTrue(await tools_of(server))

class TestAlone(unittest.TestCase):
    def test_without_fixtures(self):
        with LocalStack() as stack, stack.serve().http("alice") as http:
            self.assertEqual(http.get("/health").status_code, 200)
"""

AUTO = """
import pytest
from conftest import tools_of

@pytest.mark.parametrize("name", ["own", "sdk 2", "url", "own"])
async def test_auto(servers, name):
    assert await tools_of(servers[name])
"""

ANYIO = """
import pytest
from conftest import tools_of

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(servers, async_http_client):
    for server in servers.values():
        assert await tools_of(server)
    async with async_http_client() as http:
        assert (await http.get("/health")).status_code == 200
"""

USUAL = ("-p", "no:cacheprovider", "-p", "no:cov", "-o", "asyncio_default_fixture_loop_scope=function")


@pytest.mark.parametrize(
    ("tests", "options", "passed"),
    [
        (STRICT, ("-o", "asyncio_mode=strict"), 5),
        (AUTO, ("-n", "2", "-o", "asyncio_mode=auto"), 4),
        (ANYIO, ("-p", "no:asyncio"), 1),
    ],
    ids=["strict and unittest", "auto with xdist", "anyio"],
)
def test_three_servers_are_tested_with(
    tmp_path: Path, tests: str, options: tuple[str, ...], passed: int
) -> None:
    server = str(ROOT / "examples" / "testing" / "sdk2" / "server.py")
    conftest = CONFTEST.format(sdk2_python=str(sdk2_python()), sdk2_server=server)
    (tmp_path / "conftest.py").write_text(conftest, "utf-8")
    (tmp_path / "test_servers.py").write_text(tests, "utf-8")
    alone = installed(tools=("pytest", "pytest-asyncio", "pytest-xdist"))
    done = alone.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *options, cwd=tmp_path, timeout=180)
    assert re.search(rf"^{passed} passed in", done.stdout, re.MULTILINE), done.stdout


ONE = """
import asyncio
import pytest
from mcp.server.fastmcp import FastMCP

@pytest.fixture(scope="module")
def mcp_under_test():
    return FastMCP("{name}", log_level="WARNING")

def test_it(mcp_session):
    async def main():
        async with mcp_session("bob") as session:
            return session.server.serverInfo.name
    assert asyncio.run(main()) == "{name}"

def test_that_fails(mcp_session):
    async def main():
        async with mcp_session("bob") as session:
            await session.list_tools()
    asyncio.run(main())
    assert False, "as it should"
"""


def test_each_module_can_have_its_own_server_and_failures_are_told_without_logs(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_one=ONE.format(name="One"), test_two=ONE.format(name="Two"))
    result = pytester.runpytest_subprocess(
        *(*USUAL, "-p", "no:xdist", "-o", "mcpsecurity_scope=module", "-o", "log_level=INFO")
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.no_fnmatch_line("*Captured log*")
    result.stdout.fnmatch_lines(["*as it should*"])
