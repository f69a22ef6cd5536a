"""Addresses that strangers name: none of them leads further in than the MCP server itself is."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.client import BridgeError, ServerUnavailableError
from mcpsecurity.client.oauth import BoundedRequests
from mcpsecurity.runtime.tls import client_ssl_context

OUTSIDE, INSIDE, HERE = "93.184.216.34", "10.1.2.3", "127.0.0.1"


def requests(url: str, **hosts: str) -> BoundedRequests:
    """Return requests on behalf of a server; `hosts` are the addresses of the hosts NAME.example."""

    async def resolve(host: str, port: int) -> list[str]:
        return [hosts.get(host.removesuffix(".example"), host)]

    return BoundedRequests(url, client_ssl_context(None), seconds=5, resolve=resolve)


@pytest.mark.parametrize(
    ("server", "address"),
    [
        (OUTSIDE, INSIDE),
        (OUTSIDE, HERE),
        (OUTSIDE, "::1"),
        (OUTSIDE, "::ffff:10.1.2.3"),
        (OUTSIDE, "fd00::1"),
        (OUTSIDE, "64:ff9b::a01:203"),
        (OUTSIDE, "2002:a01:203::1"),
        (OUTSIDE, "169.254.169.254"),
        (INSIDE, HERE),
        (INSIDE, "169.254.169.254"),
        (HERE, "169.254.169.254"),
        (HERE, "0.0.0.0"),  # noqa: S104 - an address to refuse
    ],
)
async def test_an_address_that_is_nearer_than_the_server_is_not_asked(server: str, address: str) -> None:
    asking = requests("https://server.example/mcp", server=server, sign_in=address)
    with pytest.raises(BridgeError, match="an address that is not used: sign_in"):
        await asking.send(httpx.Request("GET", "https://sign_in.example/"))


@pytest.mark.parametrize(
    "host",
    ["intranet", "127.1", "0x7f.1", "a.127.0x1", "metadata.google.internal", "printer.local."],
)
async def test_a_companys_proxy_is_not_asked_for_names_inside(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(BridgeError, match="an address that is not used"):
        await requests("https://server.example/mcp").send(httpx.Request("GET", f"https://{host}/"))


async def test_a_companys_proxy_is_asked_for_public_names_and_the_servers_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for host in ("login.example", "mcp.corp"):
        with pytest.raises(ServerUnavailableError, match="does not answer"):
            await requests("https://mcp.corp/mcp").send(httpx.Request("GET", f"https://{host}/"))


@pytest.mark.parametrize(
    "url",
    [
        "http://sign_in.example/",
        "http://127.0.0.1/",
        "ftp://sign_in.example/",
        "https://person:word@sign_in.example/",
        "javascript:alert(1)",
        "https://",
        "//sign_in.example",
    ],
)
async def test_only_https_is_used_for_a_server_that_is_not_on_this_machine(url: str) -> None:
    with pytest.raises(BridgeError, match="an address that is not used"):
        requests("https://server.example/mcp").check(url)


async def test_a_name_that_is_looked_up_again_does_not_lead_elsewhere() -> None:
    """The connection goes to the address that was checked."""
    seen: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        seen.append(request.headers["Host"])
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/", receive)
    async with on_loopback(app, "/") as url:
        port = httpx.URL(url).port
        asking = requests(
            "http://tools.localhost/mcp", **{"sign_in.localhost": HERE, "tools.localhost": HERE}
        )
        response = await asking.send(httpx.Request("GET", f"http://sign_in.localhost:{port}/"))
    assert response.text == "here"
    assert seen == [f"sign_in.localhost:{port}"]


@pytest.fixture
async def odd() -> AsyncIterator[str]:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async def silent(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise web.HTTPOk

    async def packed(_: web.Request) -> web.Response:
        bomb = gzip.compress(bytes(50 * 1024 * 1024))
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("/endless")

    app = web.Application()
    for name, handler in (
        ("endless", endless),
        ("silent", silent),
        ("packed", packed),
        ("elsewhere", elsewhere),
    ):
        app.router.add_get(f"/{name}", handler)
    async with on_loopback(app) as url:
        yield url


@pytest.mark.slow
@pytest.mark.parametrize("name", ["endless", "silent"])
async def test_an_answer_without_an_end_is_given_up(odd: str, name: str) -> None:
    asking = BoundedRequests(f"{odd}/mcp", client_ssl_context(None), seconds=1)
    with pytest.raises(ServerUnavailableError, match="does not answer"):
        await asking.send(httpx.Request("GET", f"{odd}/{name}"))


async def test_an_answer_that_is_packed_is_not_unpacked(odd: str) -> None:
    asking = BoundedRequests(f"{odd}/mcp", client_ssl_context(None))
    with pytest.raises(ServerUnavailableError, match="does not answer") as caught:
        await asking.send(httpx.Request("GET", f"{odd}/packed"))
    assert str(caught.value.__cause__) == "the body is compressed"


async def test_a_redirect_is_not_followed(odd: str) -> None:
    asking = BoundedRequests(f"{odd}/mcp", client_ssl_context(None))
    response = await asking.send(httpx.Request("GET", f"{odd}/elsewhere"))
    assert response.status_code == 302
