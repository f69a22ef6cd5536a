"""Odd answers of the tenant to `DefaultAzureCredential`: one error, and nothing of them in our log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.exceptions import ClientAuthenticationError
from tests.oidc.odd_answers import ODD_ANSWERS
from tests.oidc.tenant import TENANT_ID, ControlledTenant, client_context

from mcpsecurity.identity_token import identity_error, token_provider

SCOPE = "https://cognitiveservices.azure.com/.default"


@pytest.fixture
async def tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ControlledTenant]:
    async with ControlledTenant(tmp_path) as tenant:
        for key, value in {
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
            "AZURE_TENANT_ID": TENANT_ID,
            "AZURE_CLIENT_ID": "10ca1c10-0000-4000-8000-000000000000",
            "AZURE_CLIENT_SECRET": "s",
            "AZURE_AUTHORITY_HOST": tenant.authority,
        }.items():
            monkeypatch.setenv(key, value)
        yield tenant


@pytest.mark.parametrize(
    ("status", "body"), [(s, b) for s, b in ODD_ANSWERS if s != 500 and b'"access_token": "SECRET",' not in b]
)
async def test_an_odd_answer_is_one_error_that_tells_nothing_of_it(
    tenant: ControlledTenant, caplog: pytest.LogCaptureFixture, status: int, body: bytes
) -> None:
    tenant.token_answer = (status, body)
    async with token_provider(SCOPE, client_context(tenant.ca_file)) as provider:
        with pytest.raises(ClientAuthenticationError) as caught:
            await provider()
    assert "SECRET" not in identity_error(caught.value)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mcpsecurity")]
    assert len(ours) == 1
    assert "SECRET" not in ours[0]
    assert "/elsewhere" not in tenant.posts


async def test_the_machines_own_identity_is_asked_without_the_companys_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def metadata_service(request: web.Request) -> web.Response:
        token = {"access_token": "token", "token_type": "Bearer", "expires_on": "4102444800"}
        return web.json_response({**token, "resource": request.query["resource"]})

    app = web.Application()
    app.router.add_get("/metadata/identity/oauth2/token", metadata_service)
    async with TestServer(app) as server, ControlledTenant(tmp_path) as tenant:
        for key, value in {
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": str(server.make_url("")).rstrip("/"),
            **dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9"),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
        }.items():
            monkeypatch.setenv(key, value)
        async with token_provider(SCOPE, client_context(tenant.ca_file)) as provider:
            assert await provider() == "token"
