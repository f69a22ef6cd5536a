"""The body of a 401 or 403, which httpx reads to its end before it sends the request with another token."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx

MAX_REFUSAL: Final = 64 * 1024
"""How much of a refusal is read."""
_SECONDS: Final = 10.0
_REFUSALS: Final = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


async def cut_refusal(response: httpx.Response) -> None:
    """Have the body of a refusal end after `MAX_REFUSAL` bytes or ten seconds. A response hook of httpx."""
    if response.status_code in _REFUSALS and isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _CutStream(response.stream)


class _CutStream(httpx.AsyncByteStream):
    def __init__(self, whole: httpx.AsyncByteStream) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left, pieces = MAX_REFUSAL, aiter(self._whole)
        end = asyncio.get_running_loop().time() + _SECONDS
        while left > 0:
            try:
                async with asyncio.timeout_at(end):
                    piece = await anext(pieces)
            except (StopAsyncIteration, TimeoutError):
                return
            yield piece[:left]
            left -= len(piece)

    async def aclose(self) -> None:
        await self._whole.aclose()
