"""Good answers with changes: calls end with a result or a typed error, are made once, and leave nothing.

`MUTATED_ANSWERS=10000 pytest -n 0 tests/client/test_mutated_answers.py` tries as many.
"""

import asyncio
import gc
import itertools
import logging
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from mcp import ClientSession, types
from tests.client.mutating_server import MutatingServer, serving
from tests.client.mutation_plans import plans
from tests.client.mutations import Answer

from mcpsecurity.client import BridgeError, McpConnection, ToolText
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.kernel import tool_functions
from mcpsecurity.runtime.tls import client_ssl_context

COUNT = int(os.environ.get("MUTATED_ANSWERS", "60"))
pytestmark = pytest.mark.timeout(120 + COUNT)

EXAMPLES = settings(
    max_examples=COUNT,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=set(Phase) - {Phase.explain} - ({Phase.shrink} if "NOSHRINK" in os.environ else set()),
)
TLS = client_ssl_context(None)
TIMEOUT = 0.1
"""Seconds that the bridge waits for what has a deadline of its own."""
PATIENCE = 0.2
"""Seconds that the caller waits for what has none, when the server says nothing."""
HANGS = float(os.environ.get("HANGS", "40"))
"""Seconds after which something hangs, on however slow a machine."""


class Stand(NamedTuple):
    """The server, its address, and the runner that knows its connections."""

    server: MutatingServer
    url: str
    runner: web.AppRunner


@pytest.fixture(scope="module", autouse=True)
def _few_lines() -> Iterator[None]:
    """Leave out the debug lines of each step of each request: they take most of the time."""
    loggers = [logging.getLogger(name) for name in ("httpcore", "mcp", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="module", params=["with sessions", "without"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    server = MutatingServer(stateless=request.param == "without")
    async with serving(server) as (url, runner):
        yield Stand(server, url, runner)


@EXAMPLES
@given(plan=plans)
async def test_calls_end_are_made_once_and_leave_nothing(stand: Stand, plan: dict[str, list[Answer]]) -> None:
    stand.server.begin(plan)
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    connection = _connection(stand.url)
    try:
        await _converse(connection, stand.server)
        await _recovered(connection, stand.server)
    finally:
        async with asyncio.timeout(HANGS):
            await connection.aclose()
    assert not [n for n, times in stand.server.calls.items() if times > 1], stand.server.calls
    await _nothing_left(stand, tasks)
    # The event loop keeps those that look up names for the next time.
    assert not [t for t in set(threading.enumerate()) - threads if not t.name.startswith("asyncio_")]


async def test_nothing_of_closed_connections_stays_in_memory(stand: Stand) -> None:
    before = _alive()
    stand.server.begin({"tools/call": [Answer(events=True, without_answer=True)]})
    connection = _connection(stand.url)
    await _converse(connection, stand.server)
    await connection.aclose()
    del connection
    assert not [new for new in _alive() if not any(new is old for old in before)]


def _alive() -> list[Any]:
    gc.collect()
    return [o for o in gc.get_objects() if isinstance(o, McpConnection | McpHttpClient | ClientSession)]


def _connection(url: str) -> McpConnection:
    async def accept(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"a": "x"})

    async def generate(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        content = types.TextContent(type="text", text="x")
        return types.CreateMessageResult(role="assistant", content=content, model="m")

    async def hear(_: types.ServerNotification) -> None:
        pass

    return McpConnection(
        url, elicitation=accept, sampling=generate, on_notification=hear, tls=TLS, timeout=TIMEOUT
    )


async def _converse(connection: McpConnection, server: MutatingServer) -> None:
    """Use all that a connection can do; each step ends in a result or a `BridgeError`."""
    await _ends(connection.open())
    tools = await _ends(connection.list_tools()) or []
    tool_functions(tools, "Tools", _never)
    for result in await asyncio.gather(
        *(_given_up(connection.call_tool("t", {"n": n}), server) for n in (1, 2))
    ):
        _is_readable(result)
    _is_readable(await _given_up(connection.call_tool("t", {"n": 3}), server))
    await _ends(connection.list_prompts())
    await _ends(connection.list_resources())
    await _given_up(connection.get_prompt("p", {"a": "b"}), server)
    await _given_up(connection.read_resource("file:///a"), server)


async def _recovered(connection: McpConnection, server: MutatingServer) -> None:
    """Call once more when the server does well: at the second try at the latest, the answer comes.

    Where this machine is too slow to answer in `TIMEOUT`, that is no try.
    """
    server.recover()
    numbers, failed = itertools.count(4), 0
    async with asyncio.timeout(HANGS):
        while failed < 2:
            try:
                result = await connection.call_tool("t", {"n": next(numbers)})
            except BridgeError as error:
                failed += "did not answer within" not in str(error)
                continue
            assert "fine" in ToolText.of(result)
            return
    pytest.fail("the server does well, and the call still fails")


async def _never(*_: Any) -> Any:
    raise AssertionError("not called here")


async def _ends(step: Awaitable[Any]) -> Any:
    """Return the result of what has a deadline of its own; None after a `BridgeError`."""
    try:
        async with asyncio.timeout(HANGS):
            return await step
    except BridgeError as error:
        return _told(error)


async def _given_up(step: Awaitable[Any], server: MutatingServer) -> Any:
    """Return the result of what waits for a person if need be; when the server is silent, give up."""
    task = asyncio.ensure_future(step)
    async with asyncio.timeout(HANGS):
        while not task.done():
            await asyncio.wait([task], timeout=PATIENCE)
            if not task.done() and (server.stalled or server.asked_to_wait):
                task.cancel()
                await asyncio.wait([task])
                return None
        try:
            return task.result()
        except BridgeError as error:
            return _told(error)


def _told(error: BridgeError) -> None:
    assert str(error), "a person reads this"


def _is_readable(result: types.CallToolResult | None) -> None:
    if result is not None:
        text = ToolText.of(result)
        text.encode()
        assert text.images is not None


async def _nothing_left(stand: Stand, tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until the server has seen the connections close, and nothing runs that did not before."""
    async with asyncio.timeout(HANGS):
        while stand.runner.server is not None and stand.runner.server.connections:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)
        while left := [task for task in asyncio.all_tasks() - tasks if task is not asyncio.current_task()]:
            await asyncio.wait(left, timeout=1)
