"""Requests as bytes, for what no HTTP client sends."""

import asyncio

__all__ = ["answer_to", "hang_up", "head"]


def head(line: str, *headers: str) -> bytes:
    """Return the head of a request: its line, a Host header and `headers`."""
    return "\r\n".join((f"{line} HTTP/1.1", "Host: localhost", *headers, "", "")).encode()


async def answer_to(port: int, *parts: bytes) -> bytes:
    """Send a request, each part after a moment, and return the beginning of what comes back."""
    reader, writer = await asyncio.open_connection("localhost", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        async with asyncio.timeout(30):
            return await reader.read(4000)
    finally:
        writer.close()


async def hang_up(port: int, *parts: bytes) -> None:
    """Send a request, or the beginning of one, and reset the connection."""
    _, writer = await asyncio.open_connection("localhost", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort()
