"""The pytest plugin: the local stack as fixtures. docs/testing.md shows a project that uses it.

Imports are inside the fixtures: a plugin is loaded in every test run of every project that has it installed.
"""

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

    from mcpsecurity.testing import (
        AccessTokens,
        AsyncHttpClients,
        FaultSwitches,
        HttpClients,
        LocalStack,
        McpSessions,
        ScriptedModel,
        ServedMcp,
        WebChat,
    )
    from mcpsecurity.testing.stack import Served

_SCOPE_HELP = "How long the server under test lives: session, package, module, class or function."
_TALKATIVE = ("mcpsecurity", "mcp", "httpx", "httpx2", "aiohttp.access")


@pytest.fixture(scope="session")
def local_stack() -> "Iterator[LocalStack]":
    """The local cloud, started once in a test run (once in each worker with pytest-xdist), on free ports."""
    from mcpsecurity.testing import LocalStack  # noqa: PLC0415 - see above

    with _quiet(), LocalStack() as stack:
        yield stack


@contextlib.contextmanager
def _quiet() -> "Iterator[None]":
    """Keep what the local stack and its clients log at INFO out of the reports of failed tests."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(max(logger.level, logging.WARNING))
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting of the server's scope."""
    parser.addini("mcpsecurity_scope", _SCOPE_HELP, default="session")


def _scope(fixture_name: str, config: pytest.Config) -> Any:  # noqa: ARG001 - pytest's signature
    return config.getini("mcpsecurity_scope")


@pytest.fixture(scope=_scope)
def mcp_under_test() -> "Served | None":
    """The server under test. Define this fixture; by default this product's own server runs.

    A FastMCP instance, an application of aiohttp or ASGI or a function that makes one from environment
    variables, a `ServerCommand`, or the address of a server that runs.
    """
    return None


@pytest.fixture(scope=_scope)
def mcp_server_settings() -> dict[str, Any]:
    """Settings of the server by their names, like `tool_scopes` or `allowed_clients`. Define it if needed."""
    return {}


@pytest.fixture(scope=_scope)
def mcp_server(
    local_stack: "LocalStack", mcp_under_test: "Served | None", mcp_server_settings: dict[str, Any]
) -> "Iterator[ServedMcp]":
    """The server under test, behind access tokens of the local tenant: `url`, `scope`, clients."""
    server = local_stack.serve(mcp_under_test, **mcp_server_settings)
    yield server
    server.stop()


@pytest.fixture(scope=_scope)
def web_chat(local_stack: "LocalStack", mcp_server: "ServedMcp") -> "Iterator[WebChat]":
    """The web chat for the server under test: `url` for a browser, `client("alice@…")` that is signed in."""
    chat = local_stack.web_chat(mcp_server)
    yield chat
    chat.stop()


@pytest.fixture(scope="session")
def access_token(local_stack: "LocalStack") -> "AccessTokens":
    """Makes access tokens: `access_token("bob", expired=True)`; see `AccessTokens` for what can be wrong."""
    return local_stack.tokens


@pytest.fixture
def mcp_session(mcp_server: "ServedMcp") -> "McpSessions":
    """Opens MCP sessions: `async with mcp_session("alice", answers=[{"text": "Yes"}]) as session`."""
    return mcp_server.session


@pytest.fixture
def http_client(mcp_server: "ServedMcp") -> "Iterator[HttpClients]":
    """Makes signed-in HTTP clients: `http_client("alice").post("/mcp", json=…)`; None sends no token."""
    with contextlib.ExitStack() as opened:
        yield lambda user="alice", **token: opened.enter_context(mcp_server.http(user, **token))


@pytest.fixture
def async_http_client(mcp_server: "ServedMcp") -> "AsyncHttpClients":
    """Makes them for async tests: `async with async_http_client("alice") as http`."""

    @contextlib.asynccontextmanager
    async def client(user: str | None = "alice", **token: Any) -> "AsyncIterator[httpx.AsyncClient]":
        async with mcp_server.async_http(user, **token) as http:
            yield http

    return client


@pytest.fixture
def faults(local_stack: "LocalStack") -> "Iterator[FaultSwitches]":
    """Makes things fail – `faults.tenant.down = True` – until the test ends."""
    yield local_stack.faults
    local_stack.faults.clear()


@pytest.fixture
def scripted_model(local_stack: "LocalStack") -> "Iterator[ScriptedModel]":
    """The model says what a test lists: `scripted_model.will(says("Hello"))`; `asked`: what it was asked."""
    local_stack.model.clear()
    yield local_stack.model
    local_stack.model.clear()
