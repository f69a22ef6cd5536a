"""Each server, running in a folder of its own. All but a few are met by `make foreign` only."""

from collections.abc import AsyncIterator

import pytest
from tests.browser.conftest import browser, context, stack, watch, whole_stack
from tests.foreign.running import ForeignServer, Running, started
from tests.foreign.servers import SERVERS
from tests.sdk2.environment import sdk2_python
from tests.webclient.conftest import local, mcp_url, run_chat

__all__ = ["browser", "context", "local", "mcp_url", "run_chat", "stack", "watch", "whole_stack"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that wants a server with each of them."""
    if "running" in metafunc.fixturenames:
        parameters = [
            pytest.param(server, marks=[] if server.quick else [pytest.mark.foreign], id=server.name)
            for server in SERVERS
        ]
        metafunc.parametrize("running", parameters, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what a server does not have, if the test's mark `needs` names it.

    With another list of servers for each test, pytest would not run the tests of one server together."""
    items[:] = [item for item in items if _has_what_it_needs(item)]


def _has_what_it_needs(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    server = callspec.params.get("running") if callspec is not None else None
    if not isinstance(server, ForeignServer):
        return True
    return all(server.has(mark.args[0]) for mark in item.iter_markers("needs"))


@pytest.fixture(scope="session")
async def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """A server that runs."""
    server: ForeignServer = request.param
    async with started(server, tmp_path_factory.mktemp(server.name)) as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    sdk2_python()
