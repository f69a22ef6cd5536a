"""What holds for all tests: nothing that is logged while they run has a part of a token in it."""

import logging
from collections.abc import Iterator

import pytest
from tests.leaks import LeakSearch


@pytest.fixture(scope="session", autouse=True)
def _no_token_in_any_log() -> Iterator[None]:
    """Search all that is logged in the test run, down to DEBUG.

    MSAL's own debug lines, client assertions among them, are left out as `configure_logging` leaves them out.
    """
    search, root = LeakSearch(), logging.getLogger()
    level = root.level
    root.addHandler(search)
    root.setLevel(logging.DEBUG)
    logging.getLogger("msal").setLevel(logging.INFO)
    yield
    root.removeHandler(search)
    root.setLevel(level)
    places = "\n".join(sorted(set(search.found)))
    assert not places, f"a token or a secret was logged:\n{places}"
