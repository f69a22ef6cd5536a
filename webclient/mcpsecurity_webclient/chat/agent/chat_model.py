"""The chat model of the settings, one for all conversations."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from mcpsecurity.identity_token import token_provider
from mcpsecurity.kernel.model import ChatModel
from mcpsecurity_webclient.settings import WebSettings

__all__ = ["chat_model"]


@asynccontextmanager
async def chat_model(settings: WebSettings, tls: ssl.SSLContext) -> AsyncIterator[ChatModel]:
    """Yield the model of `settings`: with its key, or as the identity that `DefaultAzureCredential` finds.

    Raises:
        EndpointError: the settings' address leads to no model.
    """
    async with AsyncExitStack() as resources:
        key, bearer = settings.azure_openai_api_key, None
        if key is None:
            found = token_provider(settings.token_scope, tls, settings.azure_authority_host)
            bearer = await resources.enter_async_context(found)
        model = ChatModel.at(
            settings.azure_openai_endpoint,
            settings.deployment,
            key=key.get_secret_value() if key is not None else None,
            bearer=bearer,
            api_version=settings.azure_openai_api_version,
            azure=True,
            timeout=settings.model_timeout,
            tls=tls,
        )
        yield await resources.enter_async_context(model)
