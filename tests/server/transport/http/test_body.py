"""Bodies that cannot be read as they are: compressed ones, broken ones, and half a one."""

import asyncio
import gzip
import logging

import pytest
from tests.server.transport.conftest import Serve, Served
from tests.server.transport.program import program
from tests.support.raw import answer_to, hang_up, head

from mcpsecurity_server.transport import Limits

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
POST = "POST /mcp"
PLAIN = ("Accept: */*", "Content-Type: application/json")
ERRORS = "mcpsecurity.http"


def _port(served: Served) -> int:
    return int(served.url.split(":")[2].split("/")[0])


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", PING, id="plain text called gzip"),
        pytest.param("deflate", PING, id="plain text called deflate"),
        pytest.param("br", PING, id="br"),
        pytest.param("zstd", PING, id="zstd"),
        pytest.param("nonsense", PING, id="unknown encoding"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(PING)), id="twice"),
        pytest.param("gzip", gzip.compress(PING)[:-6], id="cut off"),
        pytest.param("gzip", gzip.compress(b"[" + b"0," * 5_000_000 + b"0]"), id="ten million bytes"),
        pytest.param("GZIP", gzip.compress(PING), id="upper case"),
    ],
)
async def test_a_compressed_body_is_refused_unread(
    serve: Serve, caplog: pytest.LogCaptureFixture, encoding: str, body: bytes
) -> None:
    async with serve(program(), limits=Limits(body_bytes=1000)) as served:
        headers = await served.initialize()
        async with served.post(body, headers | {"Content-Encoding": encoding}) as response:
            assert response.status == 415
            assert response.headers["Accept-Encoding"] == "identity"
            assert (await response.json())["error"]["message"].startswith("Unsupported encoding")
        assert await served.status(served.post(PING, headers)) == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_a_plain_body_may_say_so(serve: Serve, encoding: str) -> None:
    async with serve(program()) as served:
        headers = await served.initialize() | {"Content-Encoding": encoding}
        assert await served.status(served.post(PING, headers)) == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_body_that_is_not_read_is_not_decompressed(
    serve: Serve, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    async with serve(program()) as served:
        request = head(f"{method} /mcp", "Content-Encoding: gzip", "Content-Length: 3", "Connection: close")
        answer = await answer_to(_port(served), request + b"abc")
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 405", b"HTTP/1.1 406", b"HTTP/1.1 400"))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_client_that_leaves_within_its_request_is_nothing_to_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(program()) as served:
        await hang_up(_port(served), head(POST, *PLAIN, "Content-Length: 100"), PING)
        await asyncio.sleep(0.05)
        assert await served.status(served.post(PING, await served.initialize())) == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_does_not_end_is_refused_in_time(serve: Serve) -> None:
    async with serve(program(), limits=Limits(body_seconds=0.05)) as served:
        begun = head(POST, *PLAIN, "Transfer-Encoding: chunked", "Connection: close") + b'5\r\n{"a":\r\n'
        answer = await answer_to(_port(served), begun)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"the body took more than 0.05 seconds" in answer
