"""Sign-out ends the browser's session and sends it only where a client may be."""

from typing import TYPE_CHECKING

import pytest

from mcpsecurity.localcloud import LocalCloud

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import Browser, RelyingParty

ALICE, BOB = "alice@contoso.example", "bob@contoso.example"


async def _sign_in(browser: "Browser", party: "RelyingParty", user: str) -> dict[str, str]:
    await browser.open("authorize", party.parameters(prompt="login", login_hint=None))
    return await browser.submit(user=user)


async def _signed_in(browser: "Browser", party: "RelyingParty", user: str) -> bool:
    """Whether a request that names the account is answered without a page."""
    return "code" in await browser.open("authorize", party.parameters(prompt=None, login_hint=user))


async def test_sign_out_ends_the_session_and_goes_back_to_the_client(
    browser: "Browser", party: "RelyingParty"
) -> None:
    await _sign_in(browser, party, ALICE)

    returned = await browser.open(
        "logout", {"post_logout_redirect_uri": "http://localhost:5001/", "state": "s"}
    )

    assert browser.status == 302
    assert browser.headers["Location"] == "http://localhost:5001/?state=s"
    assert returned == {"state": "s"}
    assert not await _signed_in(browser, party, ALICE)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "http://localhost:5001.evil.example/",
        "http://localhost:5001@evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "http://localhost:6001/",
    ],
)
async def test_sign_out_does_not_lead_where_no_client_is(
    browser: "Browser", party: "RelyingParty", target: str
) -> None:
    await _sign_in(browser, party, ALICE)

    await browser.open("logout", {"post_logout_redirect_uri": target})

    assert browser.status == 200
    assert "Location" not in browser.headers
    assert target not in browser.page
    assert not await _signed_in(browser, party, ALICE)


async def test_sign_out_without_a_session_is_no_error(browser: "Browser") -> None:
    await browser.open("logout")

    assert browser.status == 200
    assert "You signed out" in browser.page


async def test_with_two_accounts_the_person_chooses_which_one_to_sign_out(
    browser: "Browser", party: "RelyingParty"
) -> None:
    await _sign_in(browser, party, ALICE)
    await _sign_in(browser, party, BOB)

    await browser.open("logout", {"post_logout_redirect_uri": "http://localhost:5001"})
    assert "Which account do you want to sign out of?" in browser.page
    assert "form-action 'self' http://localhost:5001;" in browser.headers["Content-Security-Policy"]
    await browser.submit(logout_hint=ALICE)

    assert browser.headers["Location"] == "http://localhost:5001"
    assert not await _signed_in(browser, party, ALICE)
    assert await _signed_in(browser, party, BOB)


async def test_an_id_token_names_the_account_to_sign_out(
    browser: "Browser", party: "RelyingParty", cloud: LocalCloud
) -> None:
    answer = await _sign_in(browser, party, ALICE)
    await _sign_in(browser, party, BOB)
    _, tokens = await party.redeem(answer["code"])

    await browser.open("logout", {"id_token_hint": tokens["id_token"]})

    assert "You signed out" in browser.page
    assert not await _signed_in(browser, party, ALICE)
    assert await _signed_in(browser, party, BOB)
