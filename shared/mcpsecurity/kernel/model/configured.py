"""The model that settings describe."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from openai import DefaultAioHttpClient

from mcpsecurity.identity_token import token_provider
from mcpsecurity.kernel.model.service import ChatModel
from mcpsecurity.kernel.model.settings import ChatModelSettings
from mcpsecurity.model_settings import ModelSettings

__all__ = ["open_model"]


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
            make_http=DefaultAioHttpClient,
        )
        yield await resources.enter_async_context(model)
