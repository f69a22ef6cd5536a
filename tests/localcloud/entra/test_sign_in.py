"""Signing in by the pages: accounts, single sign-on, consent, and the ways to abuse them."""

from typing import TYPE_CHECKING

import aiohttp
import pytest

from mcpsecurity.localcloud import LocalCloud

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import Browser, RelyingParty

ALICE, BOB = "alice@contoso.example", "bob@contoso.example"


async def _sign_in(browser: "Browser", party: "RelyingParty", user: str) -> dict[str, str]:
    await browser.open("authorize", party.parameters(prompt="select_account", login_hint=None))
    return await browser.submit(user=user)


async def _ask(browser: "Browser", party: "RelyingParty", **changed: str | None) -> dict[str, str]:
    return await browser.open(
        "authorize", party.parameters(**({"prompt": None, "login_hint": None} | changed))
    )


async def test_a_person_chooses_an_account_and_the_client_gets_a_code(
    browser: "Browser", party: "RelyingParty", cloud: LocalCloud
) -> None:
    await _ask(browser, party)
    assert browser.status == 200
    assert "to sign in to mcpsecurity" in browser.page
    assert "<li>Use the tools of the MCP server as you</li>" in browser.page

    answer = await browser.submit(user=BOB)

    assert browser.headers["Location"].startswith("http://localhost:5001/signin-oidc?")
    assert answer["state"] == "a state"
    _, tokens = await party.redeem(answer["code"])
    claims = await party.claims(tokens["access_token"], cloud.api_client_id)
    assert claims["preferred_username"] == BOB


async def test_a_second_request_of_the_browser_is_answered_without_a_page(
    browser: "Browser", party: "RelyingParty"
) -> None:
    first = await _sign_in(browser, party, BOB)

    second = await _ask(browser, party)
    silent = await _ask(browser, party, prompt="none")

    assert second["code"] != first["code"]
    assert second["session_state"] == first["session_state"] == silent["session_state"]


@pytest.mark.parametrize("prompt", ["login", "select_account"])
async def test_prompt_asks_although_the_browser_is_signed_in(
    browser: "Browser", party: "RelyingParty", prompt: str
) -> None:
    await _sign_in(browser, party, BOB)

    await _ask(browser, party, prompt=prompt)

    assert browser.status == 200
    assert "Sign in" in browser.page


async def test_a_hint_of_an_account_that_is_not_signed_in_shows_it_first(
    browser: "Browser", party: "RelyingParty"
) -> None:
    await _sign_in(browser, party, BOB)

    await _ask(browser, party, login_hint="guest@fabrikam.example")

    assert browser.status == 200
    assert browser.page.index('value="guest@fabrikam.example"') < browser.page.index(f'value="{ALICE}"')


async def test_with_two_accounts_a_person_is_asked_and_a_silent_request_is_not_answered(
    browser: "Browser", party: "RelyingParty"
) -> None:
    await _sign_in(browser, party, ALICE)
    await _sign_in(browser, party, BOB)

    silent = await _ask(browser, party, prompt="none")
    hinted = await _ask(browser, party, login_hint=BOB)
    await _ask(browser, party)

    assert silent["error"] == "interaction_required"
    assert silent["error_description"].startswith("AADSTS16000:")
    assert "code" in hinted
    assert browser.status == 200


async def test_a_silent_request_of_nobody_needs_a_login(browser: "Browser", party: "RelyingParty") -> None:
    nobody = await _ask(browser, party, prompt="none")
    stranger = await _ask(browser, party, prompt="none", login_hint="eve@contoso.example")

    assert (nobody["error"], nobody["state"]) == ("login_required", "a state")
    assert nobody["error_description"].startswith("AADSTS50058:")
    assert stranger["error_description"].startswith("AADSTS50034:")


async def test_the_session_cookie_stays_on_the_tenants_paths_and_changes_at_sign_in(
    browser: "Browser", party: "RelyingParty"
) -> None:
    await _ask(browser, party)
    before = {cookie.value for cookie in browser.session.cookie_jar}
    await browser.submit(user=ALICE)
    after = list(browser.session.cookie_jar)

    assert {cookie["path"] for cookie in after} >= {"/common"}
    assert "/" not in {cookie["path"] for cookie in after}
    assert all(cookie["httponly"] and cookie["samesite"] == "Lax" for cookie in after)
    assert before.isdisjoint({cookie.value for cookie in after})


async def test_consent_is_asked_once_and_remembered(
    browser: "Browser", party: "RelyingParty", cloud: LocalCloud
) -> None:
    cloud.tenant.faults.consent_required = True
    refused = await party.authorize()
    await _ask(browser, party)
    await browser.submit(user=ALICE)
    assert "Permissions requested" in browser.page

    answer = await browser.submit(decision="accept")

    status, _ = await party.redeem(answer["code"])
    assert refused["error"] == "consent_required"
    assert refused["error_description"].startswith("AADSTS65001:")
    assert status == 200
    assert "code" in await party.authorize()


async def test_prompt_consent_asks_although_the_administrator_has_consented(
    browser: "Browser", party: "RelyingParty"
) -> None:
    await _sign_in(browser, party, ALICE)

    await _ask(browser, party, prompt="consent")
    assert "Permissions requested" in browser.page
    answer = await browser.submit(decision="cancel")

    assert (answer["error"], answer["state"]) == ("access_denied", "a state")
    assert answer["error_description"].startswith("AADSTS65004:")


async def test_a_page_answers_once_and_only_to_the_browser_that_was_shown_it(
    browser: "Browser", party: "RelyingParty", http: aiohttp.ClientSession
) -> None:
    await _ask(browser, party)
    fields, login = browser.fields(), f"{browser.base}/login"

    async with http.post(login, data=fields | {"user": ALICE}, allow_redirects=False) as other_browser:
        refusal = await other_browser.text()
    first = await browser.post("login", **fields, user=ALICE)
    await browser.post("login", **fields, user=ALICE)

    assert other_browser.status == 400
    assert "too old or belongs to another browser" in refusal
    assert "code" in first
    assert browser.status == 400


async def test_a_login_page_does_not_stand_in_for_a_consent_page(
    browser: "Browser", party: "RelyingParty", cloud: LocalCloud
) -> None:
    await _ask(browser, party)

    answer = await browser.post("consent", **browser.fields(), decision="accept")

    assert (browser.status, answer) == (400, {})


async def test_a_user_who_does_not_exist_cannot_sign_in(browser: "Browser", party: "RelyingParty") -> None:
    await _ask(browser, party)

    await browser.submit(user="eve@contoso.example")

    assert browser.status == 400
    assert "AADSTS50034" in browser.page


async def test_pages_keep_to_themselves(browser: "Browser", party: "RelyingParty") -> None:
    await _ask(browser, party)

    policy = browser.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://localhost:5001;" in policy
    assert "script-src" not in policy
    assert browser.headers["X-Content-Type-Options"] == "nosniff"
    assert browser.headers["Cache-Control"] == "no-store"


async def test_an_answer_can_be_posted_to_the_client(browser: "Browser", party: "RelyingParty") -> None:
    await _ask(browser, party, response_mode="form_post", state='"><script>alert(1)</script>')
    await browser.submit(user=ALICE)

    assert browser.status == 200
    assert browser.form_action() == "http://localhost:5001/signin-oidc"
    assert browser.fields()["state"] == '"><script>alert(1)</script>'
    assert "<script>alert" not in browser.page
    assert "form-action 'self' http://localhost:5001;" in browser.headers["Content-Security-Policy"]
    status, _ = await party.redeem(browser.fields()["code"])
    assert status == 200


async def test_what_has_no_state_gets_none_back(party: "RelyingParty") -> None:
    assert "state" not in await party.authorize(state=None)


async def test_an_answer_can_be_put_into_the_fragment(browser: "Browser", party: "RelyingParty") -> None:
    await _ask(browser, party, prompt="none", login_hint=ALICE, response_mode="fragment")

    assert browser.headers["Location"].startswith("http://localhost:5001/signin-oidc#code=")


async def test_an_authorization_request_may_be_posted(browser: "Browser", party: "RelyingParty") -> None:
    answer = await browser.post("authorize", **party.parameters())

    assert "code" in answer
