"""Requests that are no proper HTTP: they get an answer, and what they carry stays out of the log."""

import asyncio
import logging

import pytest
from tests.oidc.tenant import ControlledTenant
from tests.server.protected import ProtectedServer


async def _send(protected: ProtectedServer, request: bytes) -> bytes:
    """Send bytes as they are; return the beginning of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", protected.port)
    try:
        writer.write(request)
        async with asyncio.timeout(30):
            return await reader.read(2000)
    finally:
        writer.close()
        await writer.wait_closed()


def _post(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join((line, b"Host: 127.0.0.1", b"Content-Length: 2", *headers, b"", b"{}"))


async def test_case_03_a_token_that_is_no_text_is_a_bad_request(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    token = b"\xff" + tenant.access_token().encode()
    answer = await _send(protected, _post(b"POST /mcp HTTP/1.1", b"Authorization: Bearer " + token))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'WWW-Authenticate: Bearer error="invalid_request"' in answer


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (b"POST /mcp HTTP/1.1", b"Authorization: Bearer \x01%s"),
        (b"POST /mcp HTTP/1.1", b"Auth orization: Bearer %s"),
        (b"POST /mcp HTTP/1.1", b"Authorization: Bearer " + b"%s" * 120),
        (b"POST /mcp?access_token=%s HTTP/9.9", b"Accept: */*"),
    ],
)
async def test_a_request_that_cannot_be_read_is_not_quoted_in_the_answer_or_the_log(
    protected: ProtectedServer,
    tenant: ControlledTenant,
    caplog: pytest.LogCaptureFixture,
    line: bytes,
    header: bytes,
) -> None:
    token = tenant.access_token().encode()
    caplog.set_level(logging.DEBUG)
    answer = await _send(protected, _post(line.replace(b"%s", token), header.replace(b"%s", token)))
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert answer.endswith(b"\r\n\r\nThe request cannot be read.")
    (record,) = [record for record in caplog.records if record.name == "mcpsecurity.http"]
    assert (record.levelname, record.exc_info) == ("INFO", None)
    assert record.getMessage().startswith("a request cannot be read: ")
    assert token[:40].decode() not in caplog.text
