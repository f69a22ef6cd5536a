"""Documents of the provider: an answer that is too long or not a JSON object is no document."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mcpsecurity.oidc import ProviderUnavailableError
from mcpsecurity.oidc.discovery import fetch_document

ANSWERS = {
    "html": (200, b"<!doctype html>", "did not answer with JSON"),
    "list": (200, b"[]", "did not answer with a JSON object"),
    "deep": (200, b"[" * 100_000, "did not answer with JSON"),
    "large": (200, b'{"a":"' + b"x" * 1024 * 1024 + b'"}', "more than"),
    "missing": (404, b"{}", "answered 404"),
    "moved": (302, b"{}", "answered 302"),
}


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    async def answer(request: web.Request) -> web.Response:
        status, body, _ = ANSWERS[request.match_info["name"]]
        return web.Response(status=status, body=body, headers={"Location": "/good"})

    async def good(_: web.Request) -> web.Response:
        return web.json_response({"good": True})

    app = web.Application()
    app.router.add_get("/good", good)
    app.router.add_get("/{name}", answer)
    server = TestServer(app, host="127.0.0.1")
    async with server:
        yield server


async def test_a_json_object_is_a_document(server: TestServer, http: aiohttp.ClientSession) -> None:
    assert await fetch_document(http, str(server.make_url("/good"))) == {"good": True}


@pytest.mark.parametrize("name", list(ANSWERS))
async def test_anything_else_is_no_document(
    server: TestServer, http: aiohttp.ClientSession, name: str
) -> None:
    with pytest.raises(ProviderUnavailableError, match=ANSWERS[name][2]):
        await fetch_document(http, str(server.make_url(f"/{name}")))


@pytest.mark.parametrize("url", ["", "nonsense", "https://[", "http://127.0.0.1:1/"])
async def test_an_address_where_nothing_answers_gives_no_document(
    http: aiohttp.ClientSession, url: str
) -> None:
    with pytest.raises(ProviderUnavailableError, match="not reachable"):
        await fetch_document(http, url)
