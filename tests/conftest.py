"""What holds for all tests: nothing that is logged while they run has a part of a token in it."""

import gc
import logging
from collections.abc import Iterator

import pytest
from tests.support.leaks import LeakSearch
from tests.support.served import Serve, serving


@pytest.fixture(scope="session", autouse=True)
def _no_conversation_in_the_users_folder() -> Iterator[None]:
    """A web chat whose test says nothing of a database keeps its conversations in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBCLIENT_DATABASE_URL", "sqlite://")
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_token_in_any_log() -> Iterator[None]:
    """Search all that is logged in the test run, down to DEBUG.

    Debug lines of MSAL (client assertions), aiosqlite (values) and markdown-it (nothing, thousands of times)
    are left out as `configure_logging` does.
    """
    search, root = LeakSearch(), logging.getLogger()
    level = root.level
    root.addHandler(search)
    root.setLevel(logging.DEBUG)
    for name in ("msal", "aiosqlite", "markdown_it"):
        logging.getLogger(name).setLevel(logging.INFO)
    yield
    root.removeHandler(search)
    root.setLevel(level)
    places = "\n".join(sorted(set(search.found)))
    assert not places, f"a token or a secret was logged:\n{places}"


@pytest.fixture
def serve() -> Serve:
    """Serves a FastMCP instance: `async with serve(mcp) as url`."""
    return serving()


def pytest_collection_finish() -> None:
    """Do not look for garbage in what was imported, again and again: that was a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
