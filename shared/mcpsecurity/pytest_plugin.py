"""The pytest plugin: the local stack as fixtures. docs/testing.md shows a project that uses it.

Imports are inside the fixtures: a plugin is loaded in every test run of every project that has it installed.
"""

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    import httpx
    from mcp.server.fastmcp import FastMCP

    from mcpsecurity.client import McpConnection
    from mcpsecurity.testing import AccessTokens, FaultSwitches, LocalStack, ScriptedModel, ServedMcp

__all__ = [
    "access_token",
    "async_http_client",
    "faults",
    "http_client",
    "local_stack",
    "mcp_server",
    "mcp_server_settings",
    "mcp_session",
    "mcp_under_test",
    "scripted_model",
]


@pytest.fixture(scope="session")
def local_stack() -> "Iterator[LocalStack]":
    """The local cloud, started once in a test run (once in each worker with pytest-xdist), on free ports."""
    from mcpsecurity.testing import LocalStack  # noqa: PLC0415 - see above

    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def mcp_under_test() -> "FastMCP[Any] | None":
    """The FastMCP instance to be tested. Define this fixture; without it this product's own server runs."""
    return None


@pytest.fixture(scope="session")
def mcp_server_settings() -> dict[str, Any]:
    """Settings of the server by their names, like `tool_scopes` or `allowed_clients`. Define it if needed."""
    return {}


@pytest.fixture(scope="session")
def mcp_server(
    local_stack: "LocalStack", mcp_under_test: "FastMCP[Any] | None", mcp_server_settings: dict[str, Any]
) -> "ServedMcp":
    """The server under test, behind access tokens of the local tenant: `url`, `scope`, clients."""
    return local_stack.serve(mcp_under_test, **mcp_server_settings)


@pytest.fixture(scope="session")
def access_token(local_stack: "LocalStack") -> "AccessTokens":
    """Makes access tokens: `access_token("bob", expired=True)`; see `AccessTokens` for what can be wrong."""
    return local_stack.tokens


@pytest.fixture
def mcp_session(mcp_server: "ServedMcp") -> "Callable[..., AbstractAsyncContextManager[McpConnection]]":
    """Opens MCP sessions: `async with mcp_session("alice", elicitation=answer) as session`."""
    return mcp_server.session


@pytest.fixture
def http_client(mcp_server: "ServedMcp") -> "Iterator[Callable[..., httpx.Client]]":
    """Makes signed-in HTTP clients: `http_client("alice").post("/mcp", json=…)`; None is nobody."""
    with contextlib.ExitStack() as opened:
        yield lambda user="alice", **token: opened.enter_context(mcp_server.http(user, **token))


@pytest.fixture
def async_http_client(
    mcp_server: "ServedMcp",
) -> "Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]":
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
