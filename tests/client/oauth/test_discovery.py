"""Documents as real services publish them: elsewhere, wrongly addressed, in part, or under another name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.client import BridgeError
from mcpsecurity.client.oauth import BoundedRequests, OAuthSignIn
from mcpsecurity.client.oauth.discovery import Discovered, Discovery
from mcpsecurity.runtime.tls import client_ssl_context

WHO = "/.well-known/oauth-protected-resource/mcp"
HOW = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
Answers = dict[str, Any]
"""By path: an object, or a status, or where it is, or a handler."""


@asynccontextmanager
async def publishing(answers: Answers, challenge: str = "Bearer") -> AsyncIterator[str]:
    """Serve documents, and an MCP server that wants a token. `ORIGIN` in an answer is where it is served."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/mcp":
            header = challenge.replace("ORIGIN", str(request.url.origin()))
            return web.Response(status=401, headers={"WWW-Authenticate": header})
        found = answers.get(request.path, 404)
        if callable(found):
            handled: web.Response = await found(request)
            return handled
        if isinstance(found, int):
            return web.Response(status=found)
        if isinstance(found, str):
            return web.Response(status=308, headers={"Location": found})
        text = web.json_response(found).text or ""
        return web.json_response(text=text.replace("ORIGIN", str(request.url.origin())))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with on_loopback(app) as url:
        yield f"{url}/mcp"


def resource(**changes: Any) -> Answers:
    return {"resource": "ORIGIN/mcp", "authorization_servers": ["ORIGIN"], **changes}


def server(**changes: Any) -> Answers:
    endpoints = {"authorization_endpoint": "ORIGIN/authorize", "token_endpoint": "ORIGIN/token"}
    return {"issuer": "ORIGIN", **endpoints, "code_challenge_methods_supported": ["S256"], **changes}


async def found(url: str, issuer: str | None = None) -> Discovered:
    requests = BoundedRequests(url, client_ssl_context(None), seconds=5)
    return await Discovery(url, requests, issuer).find(await OAuthSignIn(url, requests).probe())


@pytest.mark.parametrize(
    "answers",
    [
        {WHO: resource(resource=["ORIGIN/mcp"]), HOW: server()},
        {WHO: resource(authorization_servers=["mailto:us", "ORIGIN/gone", "ORIGIN"]), HOW: server()},
        {WHO: "/moved", "/moved": resource(), HOW: "/moved/too", "/moved/too": server()},
        {WHO: resource(), HOW: server(code_challenge_methods_supported=None), OPENID: server()},
        {WHO: resource(), HOW: server(issuer="https://elsewhere.example"), OPENID: server()},
        {WHO: resource(), HOW: 500, OPENID: server()},
    ],
    ids=["list", "several servers", "moved", "no PKCE in one", "another name in one", "down in one"],
)
async def test_a_document_that_can_be_used_is_found(answers: Answers) -> None:
    async with publishing(answers) as url:
        assert str((await found(url)).server.token_endpoint) == url.replace("/mcp", "/token")


@pytest.mark.parametrize(
    "named",
    [
        '"/elsewhere"',
        "http://127.0.0.1:1/elsewhere",
        '"http://elsewhere.example/"',
        '"https://nobody.invalid/"',
        '"http://["',
    ],
    ids=["relative", "silent", "http", "unknown host", "no address"],
)
async def test_a_document_that_is_named_wrongly_is_looked_for_where_it_belongs(named: str) -> None:
    answers = {WHO: resource(scopes_supported=["notes"]), HOW: server()}
    if named == '"/elsewhere"':
        answers["/elsewhere"] = answers.pop(WHO)
    async with publishing(answers, f'bearer resource_metadata={named}, scope=""') as url:
        assert (await found(url)).scope == "notes"


async def test_a_server_whose_people_sign_in_at_entra_id_is_to_be_set_by_its_scope() -> None:
    tokens = "ORIGIN/a-tenant/oauth2/v2.0/token"
    entra = server(code_challenge_methods_supported=None, token_endpoint=tokens)
    async with publishing({WHO: resource(), HOW: entra}) as url:
        with pytest.raises(BridgeError, match="takes tokens of Microsoft Entra ID: set its scope in place"):
            await found(url)


async def test_an_issuer_of_another_name_is_used_once_that_is_confirmed() -> None:
    named = "https://auth.example"
    answers = {WHO: resource(), HOW: server(issuer=named)}
    async with publishing(answers) as url:
        with pytest.raises(BridgeError, match=r"says that it is https://auth.example/. If its operator"):
            await found(url)
        with pytest.raises(BridgeError, match="says that it is"):
            await found(url, "https://auth.example.evil")
        assert (await found(url, named)).server.issuer_as_written == named
        answers[HOW] = server()  # some call themselves now this, now that
        assert str((await found(url, named)).server.issuer) == url.replace("/mcp", "/")


@pytest.mark.parametrize(
    "location", ["http://elsewhere.example/", "https://u:p@elsewhere.example/", "/round"]
)
async def test_a_redirect_leads_nowhere_that_could_not_be_named(location: str) -> None:
    async with publishing({WHO: resource(), HOW: location, "/round": "/round"}) as url:
        with pytest.raises(BridgeError, match=r"is not used|does not say how"):
            await found(url)


async def test_an_address_by_http_is_said_to_be_one() -> None:
    answers = {WHO: resource(authorization_servers=["http://auth.example"])}
    async with publishing(answers) as url:
        with pytest.raises(BridgeError, match=r"not used: auth.example, by http. Its operator has to"):
            await found(url)
