"""The browser's way back to the program: only the answer to its own sign-in is taken."""

from typing import Any

import httpx

from mcpsecurity.console.browser import sign_in_by_browser


class Application:
    """Stands for MSAL's: begins a sign-in, and takes its answer for a token."""

    def __init__(self) -> None:
        self.redirect = ""
        self.options: dict[str, Any] = {}

    def initiate_auth_code_flow(self, _: list[str], redirect_uri: str, **options: Any) -> dict[str, Any]:
        self.redirect, self.options = redirect_uri, options
        return {"auth_uri": "https://login.example/authorize", "state": "of-this-sign-in"}

    def acquire_token_by_auth_code_flow(
        self, _: dict[str, Any], answer: dict[str, Any], scopes: list[str]
    ) -> dict[str, Any]:
        return {"access_token": answer["code"], "scope": " ".join(scopes)}


async def test_what_other_pages_send_to_the_port_is_refused() -> None:
    application, statuses = Application(), list[int]()

    def open_page(url: str) -> bool:
        assert url == "https://login.example/authorize"
        with httpx.Client(trust_env=False) as browser:
            for state in ("", "of-another", "of-this-sign-in"):
                form = {"state": state, "code": state} if state else {"code": "of none"}
                statuses.append(browser.post(application.redirect, data=form).status_code)
        return True

    answer = await sign_in_by_browser(application, ["api://x/y"], "{}", "alice", open_page)
    assert answer == {"access_token": "of-this-sign-in", "scope": "api://x/y"}
    assert statuses == [400, 400, 200]
    assert application.options == {
        "response_mode": "form_post",
        "login_hint": "alice",
        "claims_challenge": "{}",
    }


async def test_without_a_browser_nobody_waits() -> None:
    application: Any = Application()
    answer = await sign_in_by_browser(application, ["api://x/y"], None, None, lambda _: False)
    assert answer == {"error_description": "There is no browser on this machine."}
