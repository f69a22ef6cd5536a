"""The chat model: Azure OpenAI behind Semantic Kernel's connector, one for all conversations."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider
from openai import AsyncAzureOpenAI, DefaultAsyncHttpxClient
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.open_ai import AzureChatCompletion

from mcpsecurity_webclient.settings import WebSettings

__all__ = ["chat_model"]

_RETRIES = 1
"""One, for a passing fault: a person who waits is better told, and can try again."""


async def _tell_of_the_wait(response: Any) -> None:
    """Leave it to the person whether to wait for a busy model; the client would, for a minute, in silence."""
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["x-should-retry"] = "false"


@asynccontextmanager
async def chat_model(settings: WebSettings, tls: ssl.SSLContext) -> AsyncIterator[ChatCompletionClientBase]:
    """Yield the model of `settings`: with its key, or as whoever `DefaultAzureCredential` finds."""
    async with AsyncExitStack() as resources:
        http = await resources.enter_async_context(
            DefaultAsyncHttpxClient(
                verify=tls, timeout=settings.model_timeout, event_hooks={"response": [_tell_of_the_wait]}
            )
        )
        key = settings.azure_openai_api_key
        provider = None
        if key is None:
            credential = await resources.enter_async_context(DefaultAzureCredential())
            provider = get_bearer_token_provider(credential, settings.token_scope)
        client = AsyncAzureOpenAI(
            azure_endpoint=settings.azure_openai_endpoint,
            azure_deployment=settings.deployment,
            api_version=settings.azure_openai_api_version,
            api_key=key.get_secret_value() if key is not None else None,
            azure_ad_token_provider=provider,
            http_client=http,
            max_retries=_RETRIES,
        )
        yield AzureChatCompletion(deployment_name=settings.deployment, async_client=client)
