"""The `openai` clients of an endpoint: one for its v1 or compatible API, one for Azure's dated API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

from openai import AsyncAPIResponse, AsyncAzureOpenAI, AsyncOpenAI, Omit

from mcpsecurity.kernel.model.endpoint import ModelEndpoint

__all__ = ["GetBearer", "ModelClients"]

GetBearer = Callable[[], Awaitable[str]]
"""Returns a token for the endpoint, such as `azure.identity.aio.get_bearer_token_provider` makes."""


class ModelClients:
    """Sends requests to an endpoint, with a key, or with the token of an identity, or with neither."""

    def __init__(
        self,
        endpoint: ModelEndpoint,
        *,
        key: str | None = None,
        bearer: GetBearer | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 180.0,
        http_client: Any = None,
    ) -> None:
        options: dict[str, Any] = {"timeout": timeout, "max_retries": 0, "http_client": http_client}
        self._client = AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=bearer or key or "none",
            default_headers=_headers(endpoint, key, bearer, headers),
            **options,
        )
        self._dated: AsyncAzureOpenAI | None = None
        if endpoint.api_version is not None:
            self._dated = AsyncAzureOpenAI(
                azure_endpoint=endpoint.resource_url,
                api_version=endpoint.api_version,
                api_key=None if bearer else key,
                azure_ad_token_provider=bearer,
                default_headers=headers,
                **options,
            )

    @property
    def url(self) -> str:
        """The base URL that requests go to."""
        return str((self._dated or self._client).base_url)

    @asynccontextmanager
    async def posted(
        self, api: Literal["responses", "chat"], body: Mapping[str, Any]
    ) -> AsyncIterator[AsyncAPIResponse[Any]]:
        """Post a request and yield the response, whose body is not read yet. Azure's dated API is used for
        Chat Completions only: Responses are on its v1 API.

        Raises:
            openai.OpenAIError: it could not be sent, or the status tells of a failure.
        """
        async with AsyncExitStack() as stack:
            if api == "responses":
                made = self._client.responses.with_streaming_response.create(**body)
            else:
                client = self._dated or self._client
                made = client.chat.completions.with_streaming_response.create(**body)
            yield await stack.enter_async_context(made)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._dated is not None:
            await self._dated.close()


def _headers(
    endpoint: ModelEndpoint, key: str | None, bearer: GetBearer | None, headers: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the headers of each request. A key for Azure is sent as `api-key`; without a key or token there
    is no Authorization."""
    made: dict[str, Any] = {}
    if bearer is None and (key is None or endpoint.azure):
        made["Authorization"] = Omit()
        if key is not None:
            made["api-key"] = key
    return made | dict(headers or {})
