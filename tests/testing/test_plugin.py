"""The pytest plugin's fixtures, in a test run inside this one."""

import pytest
from tests.support.ambient import AMBIENT, write_dotenv

pytest_plugins = ["pytester"]
TESTS = """
import asyncio
import pytest
from mcp.server.fastmcp import FastMCP
from mcpsecurity.client import SignInRequiredError

@pytest.fixture(scope="session")
def mcp_under_test():
    mcp = FastMCP("Mine", log_level="WARNING")
    mcp.add_tool(lambda: "pong", name="ping")
    return mcp

@pytest.fixture(scope="session")
def mcp_server_settings():
    return {"allow_guests": False}

def test_sync_clients(http_client, mcp_server):
    assert http_client("alice").get("/health").status_code == 200
    assert http_client(None).post("/mcp", json={}).status_code == 401
    assert http_client("guest").post("/mcp", json={}).status_code == 403

def test_sessions_and_async_clients(mcp_session, async_http_client):
    async def main():
        async with mcp_session("bob") as session:
            assert [tool.name for tool in await session.list_tools()] == ["ping"]
        async with async_http_client() as http:
            assert (await http.get("/health")).status_code == 200
        with pytest.raises(SignInRequiredError):
            async with mcp_session("bob", expired=True):
                pass
    asyncio.run(main())

def test_tokens(access_token):
    assert access_token("alice").count(".") == 2

def test_agents(http_client):
    assert http_client("alice", agent="person").post("/mcp", json={}).status_code != 403
    refused = http_client("alice", agent="itself").post("/mcp", json={})
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")

def test_faults_on(faults):
    faults.tenant.down = True

def test_faults_off(local_stack):
    assert not local_stack.faults.tenant.down
"""

DEFAULTS = """
def test_the_products_own_server_is_the_default(mcp_server, http_client):
    assert mcp_server.scope.endswith("mcp:tools")
    assert http_client().get("/health").status_code == 200
"""


@pytest.mark.parametrize(("tests", "passed"), [(TESTS, 6), (DEFAULTS, 1)])
def test_the_fixtures_do_what_they_say(pytester: pytest.Pytester, tests: str, passed: int) -> None:
    pytester.makepyfile(tests)
    result = pytester.runpytest_inprocess(
        *("-p", "no:mcpsecurity", "-p", "mcpsecurity.pytest_plugin"),
        *("-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"),
    )
    result.assert_outcomes(passed=passed)


SERVED = """
import asyncio
from mcp.server.fastmcp import FastMCP

def test_the_products_own_server(mcp_session):
    async def main():
        async with mcp_session("guest") as session:
            result = await session.call_tool("get_city_weather", {"city": "Zurich"})
            assert not result.isError, result
    asyncio.run(main())

def test_another_server(local_stack):
    async def main():
        async with local_stack.serve(FastMCP("Mine")).session("bob") as session:
            assert await session.list_tools() == []
    asyncio.run(main())
"""


def test_settings_for_something_else_do_not_reach_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in AMBIENT.items():
        monkeypatch.setenv(key, value)
    write_dotenv(pytester.path)
    pytester.makepyfile(SERVED)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")
    result.assert_outcomes(passed=2)
