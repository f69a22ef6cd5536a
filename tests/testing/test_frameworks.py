"""The fixtures work with every way to run tests, each in a test run of its own."""

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(100)

STRICT = """
import unittest
import pytest
from mcpsecurity.testing import LocalStack

@pytest.mark.asyncio
async def test_strict(mcp_session):
    async with mcp_session("bob") as session:
        assert await session.list_tools()

class TestIt(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def _with(self, mcp_server):
        self.server = mcp_server

    async def test_async(self):
        async with self.server.session("alice") as session:
            self.assertTrue(await session.list_tools())

class TestAlone(unittest.TestCase):
    def test_without_fixtures(self):
        with LocalStack() as stack, stack.serve().http("alice") as http:
            self.assertEqual(http.get("/health").status_code, 200)
"""

AUTO = """
import pytest

@pytest.mark.parametrize("number", range(4))
async def test_auto(mcp_session, number):
    async with mcp_session("bob") as session:
        assert await session.list_tools()
"""

ANYIO = """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(mcp_session, async_http_client):
    async with mcp_session("bob") as session:
        assert await session.list_tools()
    async with async_http_client() as http:
        assert (await http.get("/health")).status_code == 200
"""

USUAL = ("-p", "no:cacheprovider", "-p", "no:cov", "-o", "asyncio_default_fixture_loop_scope=function")


@pytest.mark.parametrize(
    ("tests", "options", "passed"),
    [
        (STRICT, ("-p", "no:xdist", "-o", "asyncio_mode=strict"), 3),
        (AUTO, ("-n", "2", "-o", "asyncio_mode=auto"), 4),
        (ANYIO, ("-p", "no:xdist", "-p", "no:asyncio"), 1),
    ],
    ids=["strict and unittest", "auto with xdist", "anyio"],
)
def test_sessions_open_in(
    pytester: pytest.Pytester, tests: str, options: tuple[str, ...], passed: int
) -> None:
    pytester.makepyfile(tests)
    usual = USUAL[:-2] if "no:asyncio" in options else USUAL
    pytester.runpytest_subprocess(*usual, *options).assert_outcomes(passed=passed)


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
