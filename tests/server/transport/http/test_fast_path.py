"""POST to the MCP path goes past the router: what goes over the wire is what the application would send."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.support.served import on_loopback

from mcpsecurity.runtime.service import REQUEST_WRAPPER, started_runner
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_server.transport import mount_mcp
from mcpsecurity_server.transport.http.fast_path import fast_path

TYPES = "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
STATELESS = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: get_random_number\r\n"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
DRAW = {"name": "get_random_number", "arguments": {"min": 4, "max": 5}, "_meta": META}
CALL = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": DRAW})
IN_SESSION = CALL.replace('"_meta"', '"_other"')
PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
NOTE = json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"_meta": META}})
ASKING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "test", "version": "1"},
}
BEHIND_A_PROXY = {"url": "https://127.0.0.1/mcp", "trusted_proxies": 1}
BY_HTTPS = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: 127.0.0.1\r\n"
ASKABLE = '"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}'

Serve = Callable[..., Awaitable[list[int]]]


class Sure(BaseModel):
    """A question's form."""

    sure: bool


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server in both ways, as `mcpsecurity server` and by the router only; return the two ports."""
    async with AsyncExitStack() as running:

        async def serve(**settings: Any) -> list[int]:
            ports = []
            for fast in (True, False):
                app = create_app(ServerSettings(**({"no_auth": True} | settings)))
                if not fast:
                    del app[REQUEST_WRAPPER]
                url = await running.enter_async_context(on_loopback(app))
                ports.append(int(url.rpartition(":")[2]))
            return ports

        yield serve


async def _sent(port: int, request: str) -> list[bytes]:
    """Return the lines of all that the server sends until it closes the connection, but for the date."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    found = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return sorted(line for line in found.split(b"\r\n") if not line.startswith(b"Date: "))


def _post(body: str, headers: str = "", version: str = "1.1", path: str = "/mcp") -> str:
    head = f"POST {path} HTTP/{version}\r\nContent-Length: {len(body.encode())}\r\n{headers}"
    host = "" if "\r\nHost:" in headers else "Host: 127.0.0.1\r\n"
    return f"{head}{host}\r\n{body}"


LAST = _post(PING, TYPES + "Connection: close\r\n")
REQUESTS = {
    "a call": _post(CALL, TYPES + STATELESS),
    "a call of HTTP/1.0": _post(CALL, TYPES + STATELESS, "1.0"),
    "a notification": _post(NOTE, TYPES),
    "no JSON": _post("{", TYPES),
    "an unknown session": _post(PING.replace("ping", "tools/list"), TYPES + "Mcp-Session-Id: x\r\n"),
    "no session": _post(PING.replace("ping", "tools/list"), TYPES),
    "another type": _post(PING, TYPES.replace("Content-Type: application/json", "Content-Type: text/plain")),
    "another accept": _post(PING, "Accept: text/html\r\nContent-Type: application/json\r\n"),
    "another host": _post(PING, TYPES + "Host: attacker.example\r\n"),
    "too long": _post(PING + " " * 5000, TYPES),
    "an origin": _post(PING, TYPES + "Origin: https://attacker.example\r\n"),
    "a query": _post(PING, TYPES, path="/mcp?a=b"),
    "another path": _post(PING, TYPES, path="/other"),
}


@pytest.mark.parametrize("kind", REQUESTS)
async def test_both_ways_send_the_same(serve: Serve, kind: str) -> None:
    request = REQUESTS[kind]
    goes_on = "HTTP/1.0" not in request
    ports = await serve(max_body_bytes=4096)
    fast, routed = [await _sent(port, request + (LAST if goes_on else "")) for port in ports]
    assert fast == routed
    assert fast.count(b"X-Content-Type-Options: nosniff") == 1 + goes_on
    assert fast.count(b"X-Frame-Options: DENY") == 1 + goes_on


async def test_without_a_token_both_ways_refuse_alike(serve: Serve) -> None:
    ids = {
        "tenant_id": "11111111-2222-4333-8444-555555555555",
        "client_id": "aaaaaaaa-2222-4333-8444-555555555555",
    }
    ports = await serve(no_auth=False, authority="https://127.0.0.1:9", **ids)
    fast, routed = [await _sent(port, LAST) for port in ports]
    assert fast == routed
    assert b"HTTP/1.1 401 Unauthorized" in fast
    assert b"X-Content-Type-Options: nosniff" in fast


async def test_who_calls_too_often_is_refused_alike(serve: Serve) -> None:
    request = _post(CALL, TYPES + STATELESS)
    ports = await serve(calls_per_minute=1)
    fast, routed = [await _sent(port, request + request + LAST) for port in ports]
    assert fast == routed
    assert sum(line.endswith(b"HTTP/1.1 429 Too Many Requests") for line in fast) == 1
    assert fast.count(b"X-Frame-Options: DENY") == 3


@pytest.mark.parametrize("forwarded", [BY_HTTPS, BY_HTTPS.replace("https", "http"), ""])
async def test_behind_a_proxy_both_ways_believe_it_alike(serve: Serve, forwarded: str) -> None:
    ports = await serve(**BEHIND_A_PROXY)
    request = _post(CALL, TYPES + STATELESS + forwarded + "Connection: close\r\n")
    fast, routed = [await _sent(port, request) for port in ports]
    assert fast == routed
    assert (b"HTTP/1.1 200 OK" in fast) is (forwarded == BY_HTTPS)
    assert b"Strict-Transport-Security: max-age=31536000; includeSubDomains" in fast


async def test_streams_have_the_same_headers(serve: Serve) -> None:
    heads = []
    for port in await serve():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begin = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": ASKING})
        writer.write(_post(begin, TYPES).encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
        await reader.readexactly(int(lines["Content-Length"]))
        session = f"Mcp-Session-Id: {lines['Mcp-Session-Id']}\r\n"
        writer.write(_post(IN_SESSION, TYPES + session).encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode()
        heads.append(sorted(line for line in head.split("\r\n") if not line.startswith(("Date", "Mcp-"))))
        writer.close()
        await _sent(port, f"DELETE /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{session}\r\n")
    assert heads[0] == heads[1]
    assert {"Content-Type: text/event-stream", "X-Content-Type-Options: nosniff"} <= set(heads[0])


@pytest.mark.parametrize(
    ("method", "path", "headers", "fast"),
    [
        ("POST", "/mcp", {}, True),
        ("GET", "/mcp", {}, False),
        ("POST", "/mcp/", {}, False),
        ("POST", "/mcp?a=b", {}, False),
        ("POST", "/mcp", {"Origin": "http://127.0.0.1"}, False),
        ("POST", "/mcp", {"Expect": "100-continue"}, False),
    ],
)
async def test_what_aiohttp_treats_differently_is_the_applications(
    method: str, path: str, headers: dict[str, str], *, fast: bool
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="fast")

    async def application(_: web.Request) -> web.Response:
        return web.Response(text="routed")

    answer = fast_path(web.Application(), "/mcp", handler, {})(application)
    response = await answer(make_mocked_request(method, path, headers=headers))
    assert isinstance(response, web.Response)
    assert response.text == ("fast" if fast else "routed")


async def test_the_undocumented_attribute_of_aiohttps_server_is_still_used() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="fast")

    app = web.Application()
    app[REQUEST_WRAPPER] = fast_path(app, "/mcp", handler, {})
    runner = await started_runner(app)
    found = await _sent(runner.addresses[0][1], LAST)
    await runner.cleanup()
    assert b"fast" in found, "Server.request_handler is gone: every request is routed, which is slower"


@pytest.mark.slow
async def test_an_answer_that_does_not_wait_for_its_tool_has_the_headers_too() -> None:
    mcp: FastMCP[Any] = FastMCP()
    done = asyncio.Event()

    @mcp.tool()
    async def get_random_number(ctx: Context[Any, Any, Any]) -> str:
        try:
            await ctx.elicit("Sure?", Sure)
        finally:
            while not done.is_set():
                with suppress(asyncio.CancelledError):  # what no program should do
                    await done.wait()
        return "done"

    app = web.Application()
    mounted = mount_mcp(app, mcp)
    app[REQUEST_WRAPPER] = fast_path(app, "/mcp", mounted.handle, {"X-Extra": "yes"})
    runner = await started_runner(app)
    asking = CALL.replace('"io.modelcontextprotocol/clientCapabilities": {}', ASKABLE)
    reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    writer.write(_post(asking, TYPES + STATELESS).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    done.set()
    writer.close()
    await runner.cleanup()
    assert b"X-Extra: yes" in head


def test_other_programs_are_routed_because_their_tools_may_ask_for_the_application() -> None:
    settings = ServerSettings(no_auth=True)
    assert REQUEST_WRAPPER in create_app(settings)
    assert REQUEST_WRAPPER not in create_app(settings, FastMCP("Other"))


async def test_what_is_added_to_the_application_later_counts_on_both_ways() -> None:
    @web.middleware
    async def close(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise web.HTTPForbidden

    async def sign(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-Signed"] = "yes"

    filtered, signed = (create_app(ServerSettings(no_auth=True)) for _ in range(2))
    filtered.middlewares.append(close)
    signed.on_response_prepare.append(sign)
    runners = [await started_runner(app) for app in (filtered, signed)]
    found = [await _sent(runner.addresses[0][1], LAST) for runner in runners]
    for runner in runners:
        await runner.cleanup()
    assert b"HTTP/1.1 403 Forbidden" in found[0]
    assert b"X-Signed: yes" in found[1]
