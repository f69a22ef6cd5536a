"""Semantic Kernel's Azure OpenAI service, on the local cloud."""

import openai
from semantic_kernel.connectors.ai.open_ai import AzureChatCompletion

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.runtime.tls import client_ssl_context

__all__ = ["local_chat_completion"]


def local_chat_completion(cloud: LocalCloud) -> AzureChatCompletion:
    """Return the service; its connections trust the local cloud's authority and use no proxy."""
    http = openai.DefaultAsyncHttpxClient(verify=client_ssl_context(cloud.ca_file), trust_env=False)
    client = openai.AsyncAzureOpenAI(
        azure_endpoint=cloud.openai_endpoint,
        api_key=cloud.openai_api_key,
        api_version="2024-10-21",
        http_client=http,
        max_retries=0,
    )
    return AzureChatCompletion(deployment_name=cloud.openai_deployment, async_client=client)
