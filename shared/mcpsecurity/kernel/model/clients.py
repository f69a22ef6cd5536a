"""The `openai` clients of an endpoint: one for its v1 or compatible API, one for Azure's dated API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

from openai import AsyncAPIResponse, AsyncAzureOpenAI, AsyncOpenAI, Omit

from mcpsecurity.model_endpoint import ModelEndpoint

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
            default_headers=headers,
            **options,
        )
        self._headers = _without_authorization(endpoint, key, bearer)
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
                responses = self._client.responses.with_streaming_response
                made = responses.create(**body, extra_headers=self._headers)
            elif self._dated is not None:
                made = self._dated.chat.completions.with_streaming_response.create(**body)
            else:
                completions = self._client.chat.completions.with_streaming_response
                made = completions.create(**body, extra_headers=self._headers)
            yield await stack.enter_async_context(made)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._dated is not None:
            await self._dated.close()


def _without_authorization(
    endpoint: ModelEndpoint, key: str | None, bearer: GetBearer | None
) -> dict[str, Any]:
    """Return headers that keep the client from sending `Authorization`: if there is no key or token, and for
    Azure's key, which is sent as `api-key`."""
    if bearer is not None or (key is not None and not endpoint.azure):
        return {}
    return {"Authorization": Omit()} | ({"api-key": key} if key is not None else {})
