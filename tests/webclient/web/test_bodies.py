"""Requests of a browser that cannot be read, and pages that hang up in the middle of a command."""

import asyncio
import gzip
import json
import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.support.raw import answer_to, hang_up, head
from tests.webclient.conftest import NewPerson
from tests.webclient.visitor import Visitor
from yarl import URL

from mcpsecurity_webclient.web.bodies import body_of
from mcpsecurity_webclient.web.errors import ApiError

TEXT = b'{"text": "x"}'
FORM = "application/x-www-form-urlencoded"


def _command(visitor: Visitor, path: str, *headers: str) -> bytes:
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in visitor.cookies.items())
    return head(
        f"POST /api/chats/{visitor.chat_id}/{path}",
        f"Origin: {visitor.url}",
        f"X-CSRF-Token: {visitor.csrf}",
        f"Cookie: {cookies}",
        "Content-Type: application/json",
        *headers,
    )


def _port(visitor: Visitor) -> int:
    return URL(visitor.url).port or 0


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings, without those of MCP sessions: conversations of other tests may lose theirs."""
    said = [record for record in caplog.records if record.name != "mcp.client.streamable_http"]
    return [record.getMessage() for record in said if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", TEXT, id="plain text called gzip"),
        pytest.param("deflate", TEXT, id="plain text called deflate"),
        pytest.param("br", TEXT, id="br"),
        pytest.param("nonsense", TEXT, id="unknown encoding"),
        pytest.param("gzip", gzip.compress(TEXT)[:-6], id="cut off"),
        pytest.param("gzip", gzip.compress(b" " * 50_000_000), id="fifty million bytes"),
        pytest.param("gzip", gzip.compress(TEXT), id="gzip"),
    ],
)
async def test_a_compressed_command_is_refused(
    visitor: Visitor, caplog: pytest.LogCaptureFixture, encoding: str, body: bytes
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = await visitor.command("messages", data=body, headers=headers)
    assert (answer.status, answer.error["code"]) == (415, "encoded")
    assert answer.headers["Accept-Encoding"] == "identity"
    assert (await visitor.snapshot())["messages"] == []
    assert _warnings(caplog) == []


async def test_a_compressed_form_is_refused(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Origin": visitor.url, "Content-Type": FORM, "Content-Encoding": "gzip"}
    answer = await visitor.request("POST", "/signout", data=b"csrf_token=x", headers=headers)
    assert answer.status == 415
    assert _warnings(caplog) == []


@pytest.mark.parametrize("path", ["/api/chats", "/signout", "/nothing", "/signin-oidc", "/static/x"])
async def test_what_nobody_sent_with_a_session_is_not_unpacked(
    visitors: NewPerson, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await visitors().request("POST", path, data=b"this is no gzip", headers=headers)
    assert 300 <= answer.status < 500
    assert _warnings(caplog) == []


async def test_half_a_command_is_not_carried_out(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"text": "hello"}).encode()
    request = _command(visitor, "messages", f"Content-Length: {len(body)}")
    await hang_up(_port(visitor), request, body[:-3])
    await asyncio.sleep(0.05)
    assert (await visitor.snapshot())["messages"] == []
    assert _warnings(caplog) == []


async def test_a_whole_command_is_carried_out_though_the_page_is_gone(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({"text": "hello"}).encode()
    request = _command(visitor, "messages", f"Content-Length: {len(body)}")
    async with visitor.stream() as stream:
        await stream.until("snapshot")
        await hang_up(_port(visitor), request, body)
        await stream.until("run.done")
    roles = [message["role"] for message in (await visitor.snapshot())["messages"]]
    assert roles == ["user", "assistant"]
    assert _warnings(caplog) == []


async def test_a_request_that_cannot_be_read_is_not_quoted(visitor: Visitor) -> None:
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in visitor.cookies.items())
    answer = await answer_to(_port(visitor), head("GET /", f"Cookie: {cookies}\x01"))
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert answer.endswith(b"The request cannot be read.")


async def test_a_body_that_does_not_end_is_refused_in_time() -> None:
    async def read(request: web.Request) -> web.Response:
        with pytest.raises(ApiError) as refused:
            await body_of(request, seconds=0.05)
        return web.Response(status=refused.value.status)

    app = web.Application()
    app.router.add_post("/", read)
    async with TestServer(app, host="localhost") as server:
        begun = head("POST /", "Transfer-Encoding: chunked", "Connection: close") + b'5\r\n{"a":\r\n'
        assert (await answer_to(server.port or 0, begun)).startswith(b"HTTP/1.1 408 ")
