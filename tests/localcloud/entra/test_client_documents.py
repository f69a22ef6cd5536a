"""Client ID metadata documents: taken from public places, within bounds, and never from inside."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.certificates import ensure_certificates

REDIRECT = "http://127.0.0.1:33418/callback"
VERIFIER = "v" * 50


class Publisher:
    """Publishes one document; `change` says how it differs from a good one."""

    def __init__(self) -> None:
        self.asked = 0
        self.url = ""
        self.change: Callable[[dict[str, Any]], Any] = lambda document: document
        self.headers: dict[str, str] = {}
        self.status = 200

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        good = {"client_id": self.url, "client_name": "An editor", "redirect_uris": [REDIRECT]}
        return web.json_response(self.change(good), status=self.status, headers=self.headers)


@pytest.fixture
async def publisher(cloud: LocalCloud) -> AsyncIterator[Publisher]:
    publisher, app = Publisher(), web.Application()
    app.router.add_get("/client.json", publisher.answer)
    server = TestServer(app, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=ensure_certificates(cloud.ca_file.parent).server_context())
    publisher.url = f"https://localhost:{server.port}/client.json"
    documents = cloud.tenant.documents
    documents.hosts, documents.tls = (
        frozenset({"localhost"}),
        ssl.create_default_context(cafile=cloud.ca_file),
    )
    yield publisher
    documents.hosts = frozenset()
    await server.close()


async def _authorize(cloud: LocalCloud, client_id: str, redirect: str = REDIRECT) -> tuple[int, str]:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    query = {
        "client_id": client_id, "redirect_uri": redirect, "response_type": "code",
        "scope": f"openid {cloud.scope}", "code_challenge_method": "S256",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "prompt": "none", "login_hint": "alice@contoso.example", "state": "s",
    }  # fmt: skip
    url = f"{cloud.http_url}/{cloud.tenant_id}/oauth2/v2.0/authorize"
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, params=query, allow_redirects=False) as response,
    ):
        return response.status, response.headers.get("Location", await response.text())


async def test_such_a_client_signs_a_person_in_and_its_tokens_are_an_agents(
    cloud: LocalCloud, publisher: Publisher
) -> None:
    status, location = await _authorize(cloud, publisher.url)
    assert (status, location.partition("?")[0]) == (302, REDIRECT)
    form = {
        "grant_type": "authorization_code", "client_id": publisher.url, "redirect_uri": REDIRECT,
        "code": parse_qs(urlsplit(location).query)["code"][0], "code_verifier": VERIFIER,
    }  # fmt: skip
    tls = ssl.create_default_context(cafile=cloud.ca_file)
    url = f"{cloud.authority}/{cloud.tenant_id}/oauth2/v2.0/token"
    async with aiohttp.ClientSession() as http, http.post(url, data=form, ssl=tls) as response:
        token = (await response.json())["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["azp"] != publisher.url
    assert len(claims["azp"]) == 36
    assert ("11" in claims["xms_act_fct"].split(), "xms_sub_fct" in claims) == (True, False)
    await _authorize(cloud, publisher.url)
    assert publisher.asked == 1, "it is known now"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document | {"client_id": "https://another.example/client.json"},
        lambda document: document | {"redirect_uris": []},
        lambda document: document | {"redirect_uris": "x"},
        lambda document: document | {"token_endpoint_auth_method": "client_secret_post"},
        lambda document: document | {"client_name": "x" * 6000},
        lambda document: [document],
    ],
)
async def test_a_document_that_is_not_good_makes_no_client(
    cloud: LocalCloud, publisher: Publisher, change: Callable[[dict[str, Any]], Any]
) -> None:
    publisher.change = change
    status, page = await _authorize(cloud, publisher.url)
    assert (status, "AADSTS700016" in page) == (400, True)


async def test_a_redirect_is_not_followed_and_another_redirect_uri_is_refused(
    cloud: LocalCloud, publisher: Publisher
) -> None:
    publisher.status, publisher.headers = 302, {"Location": publisher.url}
    assert "AADSTS700016" in (await _authorize(cloud, publisher.url))[1]
    assert publisher.asked == 1
    publisher.status, publisher.headers = 200, {}
    assert "AADSTS50011" in (await _authorize(cloud, publisher.url, "https://attacker.example/callback"))[1]


@pytest.mark.parametrize(
    "client_id",
    [
        "https://localhost:{port}/client.json", "https://127.0.0.1:{port}/client.json", "https://[::1]:{port}/c",
        "http://localhost:{port}/client.json", "https://user@localhost:{port}/client.json", "https://localhost:{port}",
        "https://localhost:{port}/a/../client.json", "https://localhost:{port}/client.json#x", "https:///client.json",
        "https://localhost:99999/client.json", "file:///etc/passwd",
    ],
)  # fmt: skip
async def test_nothing_inside_is_asked_for_because_a_client_id_says_so(
    cloud: LocalCloud, publisher: Publisher, client_id: str
) -> None:
    cloud.tenant.documents.hosts = frozenset()
    async with asyncio.timeout(30):
        _, page = await _authorize(cloud, client_id.format(port=urlsplit(publisher.url).port))
    assert "AADSTS700016" in page
    assert publisher.asked == 0
