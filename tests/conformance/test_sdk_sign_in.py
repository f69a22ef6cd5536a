"""The SDK's OAuth client provider finds its way from the server's 401 to the tenant's sign-in, and back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from tests.localcloud.entra.test_mcp_client_sign_in import REDIRECT, Storage

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.runtime.tls import client_ssl_context


class Person:
    """Has a sign-in session at the tenant already, so that a browser would come back at once."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._tls = client_ssl_context(cloud.ca_file)
        self.asked: dict[str, list[str]] = {}
        self._answer: dict[str, list[str]] = {}

    async def sign_in(self, url: str) -> None:
        self.asked = parse_qs(urlsplit(url).query)
        hints = {"prompt": "none", "login_hint": "alice@contoso.example"}
        connector = aiohttp.TCPConnector(ssl=self._tls)
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.get(url, params=hints, allow_redirects=False) as response,
        ):
            self._answer = parse_qs(urlsplit(response.headers["Location"]).query)

    async def come_back(self) -> tuple[str, str | None]:
        return self._answer["code"][0], self._answer["state"][0]


async def test_the_sdk_signs_in_where_the_server_sends_it_and_calls_a_tool(
    url: str, cloud: LocalCloud
) -> None:
    person = Person(cloud)
    metadata = OAuthClientMetadata.model_validate({"redirect_uris": [REDIRECT]})
    storage = Storage(cloud.public_client_id)
    provider = OAuthClientProvider(url, metadata, storage, person.sign_in, person.come_back)
    tls: Any = client_ssl_context(cloud.ca_file)
    async with (
        httpx.AsyncClient(auth=provider, verify=tls, trust_env=False, timeout=60) as http,
        streamable_http_client(url, http_client=http) as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        caller = await session.call_tool("who_am_i", {})
    assert person.asked["code_challenge_method"] == ["S256"]
    assert person.asked["resource"] == [url]
    assert cloud.scope in person.asked["scope"][0] or f"{url}/mcp:tools" in person.asked["scope"][0]
    assert caller.structuredContent is not None
    assert caller.structuredContent["client_id"] == cloud.public_client_id
