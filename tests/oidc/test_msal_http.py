"""What MSAL gets to see of Entra ID's answers: JSON objects only, and none from elsewhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msal  # type: ignore[import-untyped] # has no types
import pytest
import requests
from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.oidc.msal_http import UnknownTenantError, UnreadableTokenAnswerError, msal_session

CUT = '{"access_token": "SECRET-TOKEN", "refresh_token": "SECRET'


@asynccontextmanager
async def tenant(status: int, text: str) -> AsyncIterator[tuple[str, list[str]]]:
    asked: list[str] = []

    async def token(request: web.Request) -> web.Response:
        asked.append(request.path)
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, text=text, content_type="application/json", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", token)
    async with on_loopback(app) as url:
        yield url, asked


@pytest.mark.parametrize("text", [CUT, "[]", "null", "", "<html>", "[" * 100_000])
async def test_an_answer_that_is_no_object_is_an_error_without_its_text(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with tenant(200, text) as (url, _):
        client = msal.oauth2cli.Client(
            {"token_endpoint": f"{url}/token"}, "id", http_client=msal_session(None), client_secret="s"
        )
        with pytest.raises(UnreadableTokenAnswerError) as caught:
            await asyncio.to_thread(client.obtain_token_for_client)
    assert "SECRET" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with tenant(status, "{}") as (url, asked):
        with pytest.raises(requests.RequestException, match="not followed"):
            await asyncio.to_thread(msal_session(None).post, f"{url}/token", data={"code": "c"})
    assert asked == ["/token"]


@pytest.mark.parametrize("status", [200, 400])
async def test_an_object_is_handed_on(status: int) -> None:
    async with tenant(status, '{"error": "invalid_grant"}') as (url, _):
        answer = await asyncio.to_thread(msal_session(None).post, f"{url}/token")
    assert (answer.status_code, answer.json()) == (status, {"error": "invalid_grant"})


@pytest.mark.parametrize("text", ["<html>", '{"error": "invalid_tenant"}'])
@pytest.mark.parametrize("status", [400, 404])
async def test_a_tenant_without_a_discovery_document_is_an_unknown_one(status: int, text: str) -> None:
    async with tenant(status, text) as (url, _):
        with pytest.raises(UnknownTenantError):
            await asyncio.to_thread(msal_session(None).get, f"{url}/t/v2.0/.well-known/openid-configuration")
