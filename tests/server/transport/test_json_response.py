"""The short way of JSON answers: what goes over the wire is what `web.Response` sends."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from mcpsecurity.service import started_runner
from mcpsecurity_server.transport.http.responses import JsonResponse

BODY = b'{"text":"\xc3\xa4"}'
EXTRA = {"Mcp-Session-Id": "abc"}


def _plain(status: int) -> web.Response:
    return web.Response(body=BODY, status=status, headers={"Content-Type": "application/json", **EXTRA})


def _short(status: int) -> web.Response:
    return JsonResponse(BODY, status, EXTRA)


def _with_cookie(make: Callable[[int], web.Response]) -> web.Response:
    response = make(200)
    response.set_cookie("a", "b")
    return response


def _compressed(make: Callable[[int], web.Response]) -> web.Response:
    response = make(200)
    response.enable_compression(web.ContentCoding.gzip)
    return response


KINDS: dict[str, Callable[[Callable[[int], web.Response]], web.Response]] = {
    "200": lambda make: make(200),
    "404": lambda make: make(404),
    "cookie": _with_cookie,
    "gzip": _compressed,
}
MAKERS = {"plain": _plain, "short": _short}


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Signed"] = "yes"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers in both ways, with a header that a signal adds."""

    async def answer(request: web.Request) -> web.Response:
        return KINDS[request.match_info["kind"]](MAKERS[request.match_info["maker"]])

    app = web.Application()
    app.router.add_route("*", "/{maker}/{kind}", answer)
    app.on_response_prepare.append(_sign)
    runner = await started_runner(app)
    yield runner.addresses[0][1]
    await runner.cleanup()


async def _answers(port: int, *requests: str) -> bytes:
    """Send requests on one connection, the last of which ends it; return what comes, without dates."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(requests).encode())
    found = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return b"\r\n".join(line for line in found.split(b"\r\n") if not line.startswith(b"Date: "))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("method", "version", "headers", "goes_on"),
    [
        ("GET", "1.1", "", True),
        ("GET", "1.1", "Connection: close\r\n", False),
        ("HEAD", "1.1", "", True),
        ("GET", "1.0", "", False),
        ("GET", "1.0", "Connection: keep-alive\r\n", True),
        ("GET", "1.1", "Accept-Encoding: gzip\r\n", True),
    ],
)
async def test_the_short_way_sends_what_the_long_one_sends(
    port: int, kind: str, method: str, version: str, headers: str, *, goes_on: bool
) -> None:
    sent = []
    for maker in MAKERS:
        request = f"{method} /{maker}/{kind} HTTP/{version}\r\nHost: x\r\n{headers}\r\n"
        last = f"GET /{maker}/200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        sent.append(await _answers(port, *([request, request, last] if goes_on else [request])))
    plain, short = (sorted(answers.split(b"\r\n")) for answers in sent)
    assert plain.count(b"X-Signed: yes") == (3 if goes_on else 1)
    assert short == plain


def test_what_is_known_of_an_answer_is_the_same() -> None:
    response, plain = _short(404), _plain(404)
    for name in ("status", "reason", "body", "text", "content_type", "content_length", "prepared"):
        assert getattr(response, name) == getattr(plain, name)
    assert response.headers == plain.headers
