"""The chat model: Azure OpenAI behind Semantic Kernel's connector, one for all conversations."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from openai import AsyncAzureOpenAI, DefaultAsyncHttpxClient
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.open_ai import AzureChatCompletion

from mcpsecurity.identity_token import UNUSED_ENDPOINT, token_provider
from mcpsecurity_webclient.settings import WebSettings

__all__ = ["chat_model"]

_PASSING = frozenset({500, 502, 503, 504})
_PAUSE_SECONDS = 0.5


class _RetryingClient(DefaultAsyncHttpxClient):
    """Asks once more when the model's endpoint answers that it has a passing fault.

    A timeout is not repeated, as the answer would be paid for twice, nor is 429: the person decides whether
    to wait.
    """

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request, at most twice."""
        response = await super().send(request, **options)
        if response.status_code not in _PASSING:
            return response
        await response.aclose()
        await asyncio.sleep(_PAUSE_SECONDS)
        return await super().send(request, **options)


@asynccontextmanager
async def chat_model(settings: WebSettings, tls: ssl.SSLContext) -> AsyncIterator[ChatCompletionClientBase]:
    """Yield the model of `settings`: with its key, or as whoever `DefaultAzureCredential` finds."""
    async with AsyncExitStack() as resources:
        http = await resources.enter_async_context(
            _RetryingClient(verify=tls, timeout=settings.model_timeout)
        )
        key = settings.azure_openai_api_key
        provider = None
        if key is None:
            found = token_provider(settings.token_scope, tls, settings.azure_authority_host)
            provider = await resources.enter_async_context(found)
        client = AsyncAzureOpenAI(
            azure_endpoint=settings.azure_openai_endpoint,
            azure_deployment=settings.deployment,
            api_version=settings.azure_openai_api_version,
            api_key=key.get_secret_value() if key is not None else None,
            azure_ad_token_provider=provider,
            http_client=http,
            max_retries=0,
        )
        yield AzureChatCompletion(
            deployment_name=settings.deployment, async_client=client, endpoint=UNUSED_ENDPOINT
        )
