"""The model that settings describe."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx2  # what `openai` speaks HTTP with
from openai import DefaultAioHttpClient

from mcpsecurity.identity_token import token_provider
from mcpsecurity.kernel.model.service import ChatModel
from mcpsecurity.kernel.model.settings import ChatModelSettings
from mcpsecurity.model_settings import ModelSettings

_PIECE: Final = 2**18


class _PiecewiseHttp(DefaultAioHttpClient):
    """Sends a large body, such as one with pictures, in pieces: aiohttp would write it at once, and warns."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        body = request.content
        if len(body) > _PIECE:
            request = httpx2.Request(
                request.method,
                request.url,
                headers=request.headers,
                stream=_Pieces(body),
                extensions=request.extensions,
            )
        return await super().send(request, **options)


class _Pieces(httpx2.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for begin in range(0, len(self._body), _PIECE):
            yield self._body[begin : begin + _PIECE]


@asynccontextmanager
async def open_model(settings: ModelSettings, tls: ssl.SSLContext) -> AsyncIterator[ChatModel]:
    """Yield the model of `settings`: with its key, its headers, or as the identity that
    `DefaultAzureCredential` finds. `tls` is what connections trust.
    """
    async with AsyncExitStack() as resources:
        bearer = None
        if settings.uses_identity:
            found = token_provider(settings.token_scope, tls, settings.azure_authority_host)
            bearer = await resources.enter_async_context(found)
        model = ChatModel.at(
            settings.model_url,
            settings.model_name,
            key=settings.model_key,
            bearer=bearer,
            api=settings.model_api,
            api_version=settings.azure_openai_api_version,
            azure=True if settings.azure_openai_endpoint else None,
            defaults=ChatModelSettings(
                reasoning_effort=settings.reasoning_effort,
                max_output_tokens=settings.max_output_tokens,
                temperature=settings.temperature,
            ),
            headers=settings.headers,
            timeout=settings.model_timeout,
            tls=tls,
            make_http=_PiecewiseHttp,
        )
        yield await resources.enter_async_context(model)
