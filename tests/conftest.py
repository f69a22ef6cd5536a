"""What holds for all tests: nothing that is logged has a part of a token in it. And the option `--fast`."""

import gc
import logging
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import certifi
import hypothesis
import pytest
from tests.support.leaks import LeakSearch
from tests.support.served import Serve, serving

TESTS = Path(__file__).parent
SLOW = {
    "browser",
    "conformance",
    "docs",
    "foreign",
    "integration",
    "notebooks",
    "scaling",
    "realmodel",
    "sdk2",
    "stdio",
    "telemetry",
    "test_answer_endings.py",
    "test_endurance.py",
    "test_examination.py",
    "test_older_faults.py",
    "test_pipes.py",
    "test_refused_messages.py",
    "test_stdio.py",
    "test_unusable_calls.py",
    "test_with_models.py",
    "testing",
}
"""Folders of tests/, and modules, that `--fast` leaves out, besides tests that are marked `slow`."""
SLOW_WORDS = re.compile(
    r"subprocess|playwright|pexpect|tests\.sdk2\b|tests\.support\.(programs|installed)\b|max_examples"
)
"""Modules with such a word are left out: they start other programs or a browser, or try many examples."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fast`, for `make test-fast`."""
    parser.addoption("--fast", action="store_true", help="leave out tests that take long")


def pytest_configure(config: pytest.Config) -> None:
    """Try fewer examples with `--fast`."""
    if config.getoption("--fast"):
        hypothesis.settings.register_profile("fast", max_examples=20)
        hypothesis.settings.load_profile("fast")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what `--fast` leaves out."""
    if not config.getoption("--fast") or not collection_path.is_relative_to(TESTS):
        return None
    return _is_slow(collection_path) or None


def _is_slow(path: Path) -> bool:
    if SLOW.intersection(path.relative_to(TESTS).parts):
        return True
    return path.suffix == ".py" and (_has_slow_word(path) or _has_slow_word(path.with_name("conftest.py")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that are marked `slow`, with `--fast`."""
    if config.getoption("--fast"):
        slow = [item for item in items if item.get_closest_marker("slow") is not None]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item.get_closest_marker("slow") is None]


@cache
def _has_slow_word(module: Path) -> bool:
    return module.is_file() and SLOW_WORDS.search(module.read_text("utf-8")) is not None


@pytest.fixture(scope="session", autouse=True)
def _no_conversation_in_the_users_folder() -> Iterator[None]:
    """A web chat whose test says nothing of a database keeps its conversations in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBCLIENT_DATABASE_URL", "sqlite://")
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_authorities(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """With `--fast` the system has one certificate authority: reading all takes each client 20 ms.

    The tests trust the local cloud's. Programs that other tests start may need the system's.
    """
    with pytest.MonkeyPatch.context() as patch:
        if pytestconfig.getoption("--fast"):
            end = "-----END CERTIFICATE-----\n"
            folder = tmp_path_factory.mktemp("authorities")
            (folder / "ca.pem").write_text(
                Path(certifi.where()).read_text("ascii").partition(end)[0] + end, "ascii"
            )
            patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
            patch.setenv("SSL_CERT_DIR", str(folder))
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
