"""The browsers beside Chromium: each is used where it is installed, and its absence is said."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.browser.engines.engine import Engine
from tests.browser.engines.firefox import firefox_program, running_firefox
from tests.browser.engines.visitor import Visitor
from tests.browser.engines.webkit import running_webkit, webkit_programs
from tests.browser.stack import Stack, running_stack

OpenWindow = Callable[[], Awaitable[Engine]]
INSTALL = "tests/install_browsers.sh installs it on Debian and Ubuntu"


@pytest.fixture(scope="session", params=["firefox", "webkit"])
async def open_window(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenWindow]:
    """Opens windows of the browser that the test runs in."""
    if request.param == "firefox":
        program = firefox_program()
        if program is None:
            pytest.skip(f"Firefox is not installed: {INSTALL}")
        async with running_firefox(program, tmp_path_factory.mktemp("firefox")) as firefox:
            yield firefox.open_window
    else:
        programs = webkit_programs()
        if programs is None:
            pytest.skip(f"WebKitWebDriver or xvfb-run is not installed: {INSTALL}")
        async with running_webkit(*programs) as webkit:
            yield webkit.open_window


@pytest.fixture(scope="session")
async def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The product with the page's bundle, which these browsers have to understand as well."""
    async with running_stack(tmp_path_factory.mktemp("localcloud"), bundled=True) as stack:
        yield stack


@pytest.fixture
async def engine(open_window: OpenWindow) -> AsyncIterator[Engine]:
    """One window. The test fails if anything in it went wrong that nobody expected."""
    window = await open_window()
    try:
        yield window
        assert window.problems == []
    finally:
        await window.close()


@pytest.fixture
async def alice(engine: Engine, stack: Stack) -> Visitor:
    """Alice, signed in."""
    await engine.resize(1280, 800)
    return await Visitor(engine, stack.url).sign_in()
