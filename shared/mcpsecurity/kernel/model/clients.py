"""The `openai` clients of an endpoint: one for its v1 or compatible API, one for Azure's dated API."""

import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2  # what `openai` speaks HTTP with
from openai import (
    APIConnectionError,
    APITimeoutError,
    AsyncAPIResponse,
    AsyncAzureOpenAI,
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
    Omit,
)

from mcpsecurity.kernel.model.errors import BrokenOffError
from mcpsecurity.kernel.model.events import json_of
from mcpsecurity.model_dialect import Way
from mcpsecurity.model_endpoint import ModelEndpoint
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity.runtime.tls import client_ssl_context

GetBearer = Callable[[], Awaitable[str]]
"""Returns a token for the endpoint, such as `azure.identity.aio.get_bearer_token_provider` makes."""

_OK = 200
_AT_ONCE = 5.0
"""Seconds after which a break may be of an answer that is paid for."""
_MAX_LIST = 8 * 2**20
"""OpenRouter's list of models has about one MiB."""


class ModelClients:
    """Sends requests to an endpoint, with a key, or with the token of an identity, or with neither.

    `proxies`: whether the proxy is used that the environment names for the endpoint (`runtime/proxy.py`).
    `make_http` makes what speaks HTTP; openai's `DefaultAioHttpClient` hands over all that has arrived at
    once, so that a word that streams costs a third, but it complains when it is not closed.

    A redirect is not followed: the key and the conversation are for the address that is configured.
    """

    def __init__(
        self,
        endpoint: ModelEndpoint,
        *,
        key: str | None = None,
        bearer: GetBearer | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 180.0,
        tls: ssl.SSLContext | None = None,
        proxies: bool = True,
        make_http: Callable[..., httpx2.AsyncClient] = DefaultAsyncHttpxClient,
    ) -> None:
        tls, proxy = tls or client_ssl_context(None), proxy_for(endpoint.base_url) if proxies else None
        self._http = make_http(
            verify=tls, timeout=timeout, follow_redirects=False, trust_env=False, proxy=proxy
        )
        extra = {name.title(): value for name, value in (headers or {}).items()} | _connection(endpoint)
        options: dict[str, Any] = {
            "timeout": timeout,
            "max_retries": 0,
            "http_client": self._http,
            "default_headers": extra,
        }
        self._client = AsyncOpenAI(base_url=endpoint.base_url, api_key=bearer or key or "none", **options)
        self._headers: dict[str, Any] = {}
        self._plain_headers = ({"Authorization": f"Bearer {key}"} if key else {}) | extra
        if endpoint.azure and bearer is None and key is not None:
            self._headers["api-key"] = key
        if "Authorization" not in extra and bearer is None and (endpoint.azure or key is None):
            self._headers["Authorization"] = Omit()
        self._dated: AsyncAzureOpenAI | None = None
        self._dated_headers: dict[str, Any] = {} if key or bearer else {"api-key": Omit()}
        if endpoint.api_version is not None:
            self._dated = AsyncAzureOpenAI(
                azure_endpoint=endpoint.resource_url,
                api_version=endpoint.api_version,
                api_key=None if bearer else key or "none",
                azure_ad_token_provider=bearer,
                **options,
            )

    @property
    def url(self) -> str:
        """The base URL that requests go to."""
        return str((self._dated or self._client).base_url)

    @asynccontextmanager
    async def posted(self, way: Way, body: Mapping[str, Any]) -> AsyncIterator[AsyncAPIResponse[Any]]:
        """Post a request and yield the response, whose body is not read yet.

        Raises:
            openai.OpenAIError: it could not be sent, or the status tells of a failure.
            BrokenOffError: the connection broke, also while the body was read.
        """
        client, headers = self._client, self._headers
        if way == "dated" and self._dated is not None:
            client, headers = self._dated, self._dated_headers
        asked: Any = client.responses if way == "responses" else client.chat.completions
        create = asked.with_streaming_response.create
        named = {name: body[name] for name in ("model", "stream") if name in body}
        if way != "responses":
            named["messages"] = []  # the client wants the argument; the body has those that are sent
        try:
            # `extra_body` is sent as it is; arguments would be walked through, with the schema of each tool
            async with create(**named, extra_body=body, extra_headers=headers) as response:
                yield response
        except APITimeoutError as error:
            if _is_timeout(error):
                raise
            raise APIConnectionError(request=error.request) from error
        except httpx2.TimeoutException as error:
            if _is_timeout(error):
                raise APITimeoutError(error.request) from error
            raise BrokenOffError("the connection broke") from error
        except (httpx2.RequestError, httpx2.StreamError, OSError) as error:
            raise BrokenOffError("the connection broke") from error

    async def listed(self, url: str) -> Any:
        """Return the JSON value at an address of the endpoint, asked for with its key; None for a refusal,
        for what is no JSON, and for more than 8 MiB.

        Raises:
            httpx2.HTTPError, httpx2.StreamError, OSError: it cannot be read.
        """
        async with self._http.stream("GET", url, headers=self._plain_headers) as response:
            body = bytearray()
            if response.status_code == _OK:
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > _MAX_LIST:
                        return None
            return json_of(bytes(body))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


async def pieces_of(response: AsyncAPIResponse[Any], *, streamed: bool) -> AsyncIterator[bytes]:
    """Yield a body. A stream that breaks at once, before its first byte, just ends, so that the answer is
    asked for as a whole: MLflow's gateway breaks it off when the model behind it refuses."""
    begun, came = time.monotonic(), False
    try:
        async for piece in response.iter_bytes():
            came = True
            yield piece
    except (httpx2.RequestError, OSError) as error:
        late = time.monotonic() - begun > _AT_ONCE or isinstance(error, httpx2.TimeoutException)
        if came or late or not streamed:
            raise


def _connection(endpoint: ModelEndpoint) -> dict[str, str]:
    """Return the header by which a local server gets a connection for each request, which costs little:
    llama.cpp says that it keeps a connection, and closes it after a stream."""
    return {"Connection": "close"} if endpoint.on_this_machine else {}


def _is_timeout(error: BaseException | None) -> bool:
    """Tell whether time ran out; the transport says so of connections that are refused or break, too."""
    while error is not None and not isinstance(error, TimeoutError):
        error = error.__cause__ or error.__context__
    return error is not None
