"""What the authorization endpoint refuses, and whether the person or the client is told."""

import json
from typing import TYPE_CHECKING

import pytest

from mcpsecurity.localcloud import LocalCloud

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import Browser, RelyingParty


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_id": None}, 900144),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 700016),
        ({"redirect_uri": None}, 900144),
        ({"redirect_uri": "http://localhost:5001/signin-oidc/"}, 50011),
        ({"redirect_uri": "http://localhost:5001/signin-oidc?next=x"}, 50011),
        ({"redirect_uri": "https://evil.example/signin-oidc"}, 50011),
        ({"redirect_uri": "javascript:alert(1)"}, 50011),
    ],
)
async def test_a_client_that_cannot_be_trusted_is_not_answered(
    browser: "Browser", party: "RelyingParty", changed: dict[str, str | None], code: int
) -> None:
    await browser.open("authorize", party.parameters(**changed))

    assert browser.status == 400
    assert "Location" not in browser.headers
    assert f"AADSTS{code}:" in browser.page


async def test_a_refusal_page_shows_what_came_in_as_text(browser: "Browser", party: "RelyingParty") -> None:
    await browser.open("authorize", party.parameters(client_id="<script>alert(1)</script>"))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.page
    assert "<script>" not in browser.page


async def test_a_parameter_may_come_once(browser: "Browser", party: "RelyingParty") -> None:
    query = "&".join(f"{name}={value}" for name, value in {"client_id": "a", "state": "b"}.items())

    await browser.open(f"authorize?{query}&state=c")

    assert browser.status == 400
    assert "AADSTS9000411:" in browser.page


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost",
        "http://localhost/",
        "http://localhost:49152/callback",
        "http://127.0.0.1:3000/oauth/callback?x=1",
        "http://[::1]:3000/callback",
    ],
)
async def test_the_public_client_may_listen_on_any_loopback_port(
    browser: "Browser", party: "RelyingParty", cloud: LocalCloud, uri: str
) -> None:
    answer = await browser.open(
        "authorize", party.parameters(client_id=cloud.public_client_id, redirect_uri=uri)
    )

    assert "code" in answer
    assert browser.headers["Location"].startswith(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "http://evil.example@localhost/",
        "http://localhost:80\\@evil.example/",
        "http://localhost\\.evil.example/",
        "http://localhost:port/",
        "https://localhost/",
        "http://localhost/#fragment",
        "http://localhost/\r\nSet-Cookie: a=b",
        " http://localhost/",
        "http://127.0.0.1.evil.example/",
        "http://128.0.0.1/",
        "localhost:3000",
        "javascript://localhost/%0aalert(1)",
    ],
)
async def test_nothing_that_only_looks_like_loopback_is_redirected_to(
    browser: "Browser", party: "RelyingParty", cloud: LocalCloud, uri: str
) -> None:
    await browser.open("authorize", party.parameters(client_id=cloud.public_client_id, redirect_uri=uri))

    assert browser.status == 400
    assert "AADSTS50011:" in browser.page


@pytest.mark.parametrize(
    ("changed", "error", "code"),
    [
        ({"response_type": None}, "invalid_request", 900144),
        ({"response_type": "token"}, "unsupported_response_type", 700054),
        ({"response_mode": "web_message"}, "invalid_request", 70007),
        ({"prompt": "never"}, "invalid_request", 90023),
        ({"scope": None}, "invalid_request", 900144),
        ({"scope": ""}, "invalid_request", 900144),
        ({"code_challenge": None}, "invalid_request", 50147),
        ({"code_challenge_method": "plain"}, "invalid_request", 501491),
        ({"code_challenge_method": None}, "invalid_request", 501491),
        ({"code_challenge": "short"}, "invalid_request", 501491),
        ({"scope": "https://unknown.example/read"}, "invalid_resource", 500011),
        ({"scope": "Mail.Read"}, "invalid_client", 650053),
        ({"claims": "{"}, "invalid_request", 9002313),
        ({"claims": "[]"}, "invalid_request", 9002313),
        ({"claims": json.dumps({"access_token": {"acrs": "c1"}})}, "invalid_request", 9002313),
    ],
)
async def test_a_request_that_is_refused_is_answered_to_the_client(
    party: "RelyingParty", cloud: LocalCloud, changed: dict[str, str | None], error: str, code: int
) -> None:
    answer = await party.authorize(**changed)

    assert answer["error"] == error
    assert answer["error_description"].startswith(f"AADSTS{code}: ")
    assert (answer["state"], answer["iss"]) == ("a state", cloud.issuer)
    assert "code" not in answer


async def test_an_unknown_tenant_is_refused(browser: "Browser", party: "RelyingParty") -> None:
    browser.base = browser.base.replace("10ca1c10", "deadbeef")

    await browser.open("authorize", party.parameters())

    assert browser.status == 400
    assert "AADSTS90002:" in browser.page
