"""Each server, running in a folder of its own. All but a few are met by `make foreign` only."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.foreign.servers import SERVERS, ForeignServer, Running, started
from tests.sdk2.environment import sdk2_python

from mcpsecurity.testing import LocalStack


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
    return all(getattr(server, mark.args[0]) for mark in item.iter_markers("needs"))


@pytest.fixture(scope="session")
async def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """A server that runs."""
    server: ForeignServer = request.param
    async with started(server, tmp_path_factory.mktemp(server.name)) as running:
        yield running


@pytest.fixture(scope="session")
def local() -> Iterator[LocalStack]:
    """The local cloud, with models that refuse what Azure OpenAI refuses."""
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    sdk2_python()
