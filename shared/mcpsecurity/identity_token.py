"""A token for Azure OpenAI when there is no key: of the identity that azure-identity finds."""

import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider

from mcpsecurity.runtime.proxy import proxy_for

NO_IDENTITY = "DefaultAzureCredential finds no identity that gives one"
UNREACHABLE = "the tenant cannot be reached"
UNTRUSTED = "the tenant's certificate is not trusted"

TokenProvider = Callable[[], Awaitable[str]]

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_LONGEST = 300


class _Transport(AioHttpTransport):  # type: ignore[misc] # azure-core's is Any to mypy
    """Sends each request through the proxy of its address: the tenant's, and none for the machine's own."""

    async def send(self, request: HttpRequest, **config: Any) -> AsyncHttpResponse:
        response: AsyncHttpResponse = await super().send(
            request, **{**config, "proxy": proxy_for(request.url)}
        )
        return response


@asynccontextmanager
async def token_provider(
    scope: str, tls: ssl.SSLContext, authority_host: str | None = None
) -> AsyncIterator[TokenProvider]:
    """Yield a function that returns a token of `DefaultAzureCredential` for `scope`, renewed in time.

    The provider raises `ClientAuthenticationError`: there is no identity, or the tenant refuses. `tls` says
    which authorities the credential's requests trust.
    """
    connector = aiohttp.TCPConnector(ssl=tls, limit=4)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        transport = _Transport(
            session=session,
            session_owner=False,
            connection_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        )
        more = {"authority": authority_host} if authority_host else {}
        async with DefaultAzureCredential(transport=transport, **more) as credential:
            provide = get_bearer_token_provider(credential, scope)

            async def provider() -> str:
                try:
                    return await provide()
                except ClientAuthenticationError as error:
                    _log.warning("no token for %s: %s", scope, identity_error(error))
                    raise

            yield provider


def identity_error(error: ClientAuthenticationError) -> str:
    """Return why there is no token, on one line: what the tenant says, or that it or an identity is missing.

    The error's own text may quote the tenant's whole answer.
    """
    said = re.search(r"AADSTS\d+: .*?(?=\.? Trace ID:|[\r\n]|$)", error.message)
    if said is not None:
        return said[0][:_LONGEST]
    if "CERTIFICATE_VERIFY_FAILED" in error.message:
        return UNTRUSTED
    return UNREACHABLE if "Cannot connect to host" in error.message else NO_IDENTITY
