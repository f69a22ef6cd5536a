"""Requests of any kind in any order: no 500, nothing hangs, nothing is left running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.transport.conftest import ACCEPT
from tests.server.transport.program import Name, ToolContext, program
from tests.support.eventually import eventually
from tests.support.served import on_loopback

from mcpsecurity_server.transport import Limits, MountedMcp, mount_mcp

pytestmark = pytest.mark.timeout(120)

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

METHODS = [
    "initialize", "ping", "tools/list", "tools/call", "prompts/list", "prompts/get", "resources/list",
    "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
    "completion/complete", "logging/setLevel", "notifications/initialized", "notifications/cancelled",
    "notifications/progress", "notifications/roots/list_changed", "server/discover", "",
]  # fmt: skip

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ids = st.sampled_from([0, 1, "a", "", -1]) | json_values
params = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["add", "greet", "act", "ask", "none"]) | json_values,
        "arguments": st.fixed_dictionaries({}, optional={"a": json_values, "b": json_values}) | json_values,
        "uri": st.sampled_from(["fixed://one", "fixed://none", "x"]) | json_values,
        "level": st.sampled_from(["info", "loud"]) | json_values,
        "cursor": st.text(max_size=10) | json_values,
        "ref": json_values,
        "argument": json_values,
        "requestId": ids,
        "progressToken": json_values,
        "_meta": st.fixed_dictionaries({}, optional={"progressToken": json_values}) | json_values,
        "protocolVersion": st.sampled_from(["2025-03-26", "2025-11-25"]) | json_values,
        "capabilities": st.sampled_from([{}, {"elicitation": {}}]) | json_values,
        "clientInfo": st.just({"name": "x", "version": "1"}) | json_values,
    },
)
messages = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={
        "id": ids,
        "method": st.sampled_from(METHODS) | st.text(max_size=12) | json_values,
        "params": params | json_values,
        "result": json_values,
        "error": st.just({"code": 1, "message": "x"}) | json_values,
    },
)
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
header_names = st.sampled_from(
    [
        "Accept", "Content-Type", "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID", "Origin", "Host",
        "Mcp-Method", "Mcp-Name", "X-Other",
    ]
)  # fmt: skip


async def act(ctx: ToolContext) -> str:
    """Say much, and ask without waiting for ever."""
    await ctx.info("x")
    await ctx.report_progress(1, 2)
    try:
        async with asyncio.timeout(0.02):
            await ctx.elicit("Who?", Name)
    except TimeoutError:
        return "nobody"
    return "somebody"


class Target:
    """A server under fire, and the sessions of its attacker."""

    def __init__(self, url: str, mounted: MountedMcp, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.mounted = mounted
        self.http = http
        self.sessions: list[str] = []

    async def send(self, method: str, body: bytes | None, headers: dict[str, str]) -> int:
        """Send a request, read what comes within a moment, and return the status."""
        async with self.http.request(method, self.url, data=body, headers=headers) as response:
            if "Mcp-Session-Id" in response.headers and response.content_type == "application/json":
                self.sessions.append(response.headers["Mcp-Session-Id"])
            try:
                async with asyncio.timeout(0.5):
                    await response.read()
            except TimeoutError:  # a stream that goes on
                response.close()
            return response.status


@asynccontextmanager
async def under_fire() -> AsyncIterator[Target]:
    """Serve, and see to it that nothing is left afterwards."""
    before = asyncio.all_tasks()
    app = web.Application()
    limits = Limits(sessions=50, stop_seconds=0.2, keep_alive_seconds=0.1, body_bytes=100_000)
    mounted = mount_mcp(app, program(act=act), limits=limits)
    timeout, connector = aiohttp.ClientTimeout(total=60), aiohttp.TCPConnector(limit=0)
    async with (
        on_loopback(app, "/mcp") as url,
        aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
    ):
        yield Target(url, mounted, http)
    await eventually(lambda: not asyncio.all_tasks() - before)
    assert not any(session.busy for session in mounted.sessions)


def run(attack: Any) -> None:
    """Run an attack on a server of its own, in a loop of its own."""

    async def main() -> None:
        async with asyncio.timeout(30), under_fire() as target:
            await attack(target)
            assert await target.send("POST", b'{"jsonrpc":"2.0","id":1,"method":"ping"}', JSON) == 200

    with asyncio.Runner() as runner:
        runner.run(main())


JSON = {**ACCEPT, "Content-Type": "application/json"}


async def opened(target: Target, version: str = "2025-11-25") -> dict[str, str]:
    said = {
        "protocolVersion": version,
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "x", "version": "1"},
    }
    body = orjson.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": said})
    assert await target.send("POST", body, JSON) == 200
    return {**JSON, "Mcp-Session-Id": target.sessions[-1]}


@EXAMPLES
@given(st.lists(st.binary(max_size=200) | json_values.map(orjson.dumps), min_size=1, max_size=5))
def test_no_body_makes_the_server_fail(bodies: list[bytes]) -> None:
    async def attack(target: Target) -> None:
        headers = await opened(target)
        for body in bodies:
            assert await target.send("POST", body, headers) < 500

    run(attack)


@EXAMPLES
@given(
    st.sampled_from(["2025-03-26", "2025-06-18", "2025-11-25"]),
    st.lists(messages | st.lists(messages, max_size=4), min_size=1, max_size=8),
)
def test_no_order_of_messages_makes_the_server_fail(version: str, order: list[Any]) -> None:
    async def attack(target: Target) -> None:
        headers = await opened(target, version)
        sent = (target.send("POST", orjson.dumps(message), headers) for message in order)
        assert max(await asyncio.gather(*sent)) < 500

    run(attack)


@EXAMPLES
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "DELETE", "PUT", "OPTIONS"]),
            st.dictionaries(header_names, header_texts | st.sampled_from(["g_0", "g_1", "*/*"]), max_size=5),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_headers_make_the_server_fail(requests: list[tuple[str, dict[str, str], bool]]) -> None:
    async def attack(target: Target) -> None:
        known = await opened(target)
        for method, headers, with_session in requests:
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}' if method == "POST" else None
            sent = {**(known if with_session else {}), **headers}
            assert await target.send(method, body, sent) < 500

    run(attack)


@settings(parent=EXAMPLES, max_examples=20)
@given(st.lists(st.sampled_from(["call", "leave", "get", "cancel", "answer", "end", "open"]), max_size=12))
def test_no_coming_and_going_leaves_anything_behind(steps: list[str]) -> None:
    async def attack(target: Target) -> None:
        sessions = [await opened(target)]
        tasks: list[asyncio.Task[int]] = []
        for number, step in enumerate(steps):
            headers = sessions[-1]
            if step == "open":
                sessions.append(await opened(target))
            elif step in ("call", "leave"):
                call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "act"}}
                tasks.append(asyncio.create_task(target.send("POST", orjson.dumps(call), headers)))
                await asyncio.sleep(0)
                if step == "leave":
                    tasks.pop().cancel()
            elif step == "get":
                tasks.append(asyncio.create_task(target.send("GET", None, headers)))
            elif step == "end":
                assert await target.send("DELETE", None, headers) in (200, 404)
            else:
                said = (
                    {"method": "notifications/cancelled", "params": {"requestId": number - 1}}
                    if step == "cancel"
                    else {"id": "x-1", "result": {"action": "accept", "content": {"name": "x"}}}
                )
                body = orjson.dumps({"jsonrpc": "2.0", **said})
                assert await target.send("POST", body, headers) in (202, 404)
        statuses = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(s, aiohttp.ClientError) or (isinstance(s, int) and s < 500) for s in statuses)

    run(attack)
