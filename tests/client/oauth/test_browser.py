"""The browser's way back to the program: only the answer to its own sign-in is taken."""

import httpx
import pytest
from tests.support.ports import free_port

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.client.oauth import BrowserPerson


async def test_what_other_pages_send_to_the_port_is_refused() -> None:
    statuses: list[int] = []
    told: list[str] = []

    def open_page(url: str) -> bool:
        assert url == "https://login.example/authorize"
        with httpx.Client(trust_env=False) as browser:
            for state in ("", "of-another", "of-this-sign-in"):
                answer = {"state": state, "code": state} if state else {"code": "of none"}
                statuses.append(browser.get(redirect, params=answer).status_code)
        return True

    async with BrowserPerson(told.append, open_page).page(None) as page:
        redirect = page.redirect_uri
        answer = await page.answer("https://login.example/authorize", "of-this-sign-in")
    assert answer == {"state": "of-this-sign-in", "code": "of-this-sign-in"}
    assert statuses == [400, 400, 200]
    assert told == ["Sign in at login.example in the browser that opens now."]


async def test_nobody_waits_for_ever() -> None:
    async with BrowserPerson(lambda _: None, lambda _: True, seconds=0.05).page(None) as page:
        with pytest.raises(SignInRequiredError, match="Nobody has signed in within"):
            await page.answer("https://login.example/authorize", "state")


async def test_the_port_of_the_registration_is_used_again_if_it_is_free() -> None:
    before = f"http://127.0.0.1:{free_port()}/callback"
    person = BrowserPerson(lambda _: None, lambda _: True)
    async with person.page(before) as page, person.page(before) as other:
        assert page.redirect_uri == before
        assert other.redirect_uri != before
