"""A running local cloud and a client that trusts it."""

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import jwt
import pytest

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.tls import client_ssl_context


@pytest.fixture(scope="session")
def cloud_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all local clouds of the run, so that keys are made once."""
    return tmp_path_factory.mktemp("localcloud")


@pytest.fixture
async def cloud(cloud_folder: Path) -> AsyncIterator[LocalCloud]:
    """A local cloud on free ports."""
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=cloud_folder)) as running:
        yield running


@pytest.fixture
async def http(cloud: LocalCloud) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the cloud's authority and keeps no cookies."""
    connector = aiohttp.TCPConnector(ssl=client_ssl_context(cloud.ca_file))
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout
    ) as session:
        yield session


class RelyingParty:
    """A client application that speaks to the tenant without a library, so that each parameter is ours."""

    VERIFIER = "v" * 43

    def __init__(self, cloud: LocalCloud, http: aiohttp.ClientSession) -> None:
        self.cloud = cloud
        self.http = http

    def parameters(self, **changed: str | None) -> dict[str, str]:
        """The web client's authorization request, with parameters changed, added or (None) left out."""
        digest = hashlib.sha256(self.VERIFIER.encode()).digest()
        made: dict[str, str | None] = {
            "client_id": self.cloud.web_client_id,
            "response_type": "code",
            "redirect_uri": "http://localhost:5001/signin-oidc",
            "scope": f"openid profile offline_access {self.cloud.scope}",
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "prompt": "none",
            "login_hint": "alice@contoso.example",
            **changed,
        }
        return {name: value for name, value in made.items() if value is not None}

    async def authorize(self, **changed: str | None) -> dict[str, str]:
        """Send the request and return the parameters that the redirect carries."""
        url = f"{self.cloud.http_url}/{self.cloud.tenant_id}/oauth2/v2.0/authorize"
        async with self.http.get(url, params=self.parameters(**changed), allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    async def code(self, **changed: str | None) -> str:
        """Return an authorization code."""
        return (await self.authorize(**changed))["code"]

    async def token(self, **values: str | None) -> tuple[int, dict[str, Any]]:
        """Send a token request of the web client, with parameters added or (None) left out."""
        made: dict[str, str | None] = {
            "client_id": self.cloud.web_client_id,
            "client_secret": self.cloud.web_client_secret,
            **values,
        }
        form = {name: value for name, value in made.items() if value is not None}
        url = f"{self.cloud.authority}/{self.cloud.tenant_id}/oauth2/v2.0/token"
        async with self.http.post(url, data=form) as response:
            return response.status, await response.json()

    async def redeem(self, code: str, **changed: str | None) -> tuple[int, dict[str, Any]]:
        """Redeem `code`."""
        made: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "http://localhost:5001/signin-oidc",
            "code_verifier": self.VERIFIER,
        }
        return await self.token(**(made | changed))

    async def claims(self, token: str, audience: str) -> dict[str, Any]:
        """Return the claims of `token`, its signature checked against the published keys."""
        url = f"{self.cloud.authority}/{self.cloud.tenant_id}/discovery/v2.0/keys"
        async with self.http.get(url) as response:
            keys = jwt.PyJWKSet.from_dict(await response.json())
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], audience=audience, issuer=self.cloud.issuer
        )
        return claims


@pytest.fixture
def party(cloud: LocalCloud, http: aiohttp.ClientSession) -> RelyingParty:
    """A client application of the running cloud."""
    return RelyingParty(cloud, http)


class Browser:
    """A browser without a screen: it keeps cookies, follows no redirects, and fills in forms."""

    def __init__(self, cloud: LocalCloud, session: aiohttp.ClientSession) -> None:
        self.base = f"{cloud.http_url}/{cloud.tenant_id}/oauth2/v2.0"
        self.session = session
        self.page = ""
        self.status = 0
        self.headers: Mapping[str, str] = {}

    async def open(self, path: str, parameters: dict[str, str] | None = None) -> dict[str, str]:
        """GET a page of the tenant; return what a redirect carries."""
        async with self.session.get(
            f"{self.base}/{path}", params=parameters, allow_redirects=False
        ) as response:
            return await self._read(response)

    async def post(self, path: str, **form: str) -> dict[str, str]:
        """Post a form as it is; return what a redirect carries."""
        async with self.session.post(f"{self.base}/{path}", data=form, allow_redirects=False) as response:
            return await self._read(response)

    async def submit(self, **button: str) -> dict[str, str]:
        """Post the form of the page that is shown, by one of its buttons."""
        return await self.post(self.form_action(), **self.fields(), **button)

    def form_action(self) -> str:
        found = re.search(r'<form method="post" action="([^"]*)"', self.page)
        assert found, self.page
        return html.unescape(found[1])

    def fields(self) -> dict[str, str]:
        """The hidden fields of the page."""
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.page)
        return {name: html.unescape(value) for name, value in found}

    async def _read(self, response: aiohttp.ClientResponse) -> dict[str, str]:
        self.status, self.page, self.headers = response.status, await response.text(), response.headers
        return dict(parse_qsl(urlsplit(response.headers.get("Location", "")).query))


@pytest.fixture
async def browser(cloud: LocalCloud) -> AsyncIterator[Browser]:
    """A browser that is signed in nowhere."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(), timeout=timeout) as session:
        yield Browser(cloud, session)
