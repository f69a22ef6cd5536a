"""A client that follows the MCP authorization specification, the SDK's own, gets a token from the tenant."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import httpx
import pytest
from aiohttp import web
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.runtime.service import started_runner
from mcpsecurity.runtime.tls import client_ssl_context

REDIRECT = "http://127.0.0.1:49152/callback"


class Storage:
    """Knows the client id from the start, as Entra has no dynamic registration."""

    def __init__(self, client_id: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull.model_validate(
            {"client_id": client_id, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
        )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@pytest.fixture
async def protected_url(cloud: LocalCloud) -> AsyncIterator[str]:
    """A resource that shows the claims it was called with, and sends strangers to the tenant (RFC 9728)."""

    async def resource(request: web.Request) -> web.Response:
        claims = cloud.tenant.tokens.read(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if claims is None:
            metadata = f"{base}/.well-known/oauth-protected-resource/mcp"
            challenge = f'Bearer resource_metadata="{metadata}", scope="{base}/mcp/mcp:tools"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return web.json_response(claims)

    async def metadata(_request: web.Request) -> web.Response:
        return web.json_response({"resource": f"{base}/mcp", "authorization_servers": [cloud.issuer]})

    app = web.Application()
    app.router.add_get("/mcp", resource)
    app.router.add_get("/.well-known/oauth-protected-resource/mcp", metadata)
    runner = await started_runner(app)
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    cloud.register_mcp_url(f"{base}/mcp")
    yield f"{base}/mcp"
    await runner.cleanup()


async def _call(cloud: LocalCloud, http: aiohttp.ClientSession, url: str, user: str) -> dict[str, Any]:
    answer: dict[str, str] = {}

    async def redirect(authorize_url: str) -> None:
        hints = {"prompt": "none", "login_hint": user}
        async with http.get(authorize_url, params=hints, allow_redirects=False) as response:
            answer.update(parse_qsl(urlsplit(response.headers["Location"]).query))

    async def callback() -> tuple[str, str | None]:
        return answer["code"], answer["state"]

    metadata = OAuthClientMetadata.model_validate({"redirect_uris": [REDIRECT]})
    provider = OAuthClientProvider(url, metadata, Storage(cloud.public_client_id), redirect, callback)
    async with httpx.AsyncClient(
        auth=provider, verify=client_ssl_context(cloud.ca_file), trust_env=False, timeout=10
    ) as client:
        response = await client.get(url)
    claims: dict[str, Any] = response.json()
    return claims


async def test_the_sdks_client_signs_in_with_scope_and_resource_of_the_server(
    cloud: LocalCloud, http: aiohttp.ClientSession, protected_url: str
) -> None:
    claims = await _call(cloud, http, protected_url, "bob@contoso.example")

    assert claims["aud"] == cloud.api_client_id
    assert claims["scp"] == "mcp:tools"
    assert claims["azp"] == cloud.public_client_id
    person = cloud.tenant.directory.user("bob@contoso.example")
    assert person is not None
    assert claims["oid"] == person.oid
