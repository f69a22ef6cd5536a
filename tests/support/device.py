"""A person with a browser who enters a device code."""

import re

import httpx


def enter_code(url: str, code: str, user: str = "alice@contoso.example") -> None:
    """Open the page that a device names, enter its code, sign in as `user` and accept."""
    with httpx.Client(trust_env=False, timeout=20, follow_redirects=True) as browser:
        page = _post(browser, url, user_code=code)
        page = _post(browser, url.replace("deviceauth", "login"), flow=_flow_of(page), user=user)
        _post(browser, url.replace("deviceauth", "consent"), flow=_flow_of(page), decision="accept")


def _post(browser: httpx.Client, url: str, **form: str) -> str:
    response = browser.post(url, data=form)
    assert response.status_code == 200, response.text
    return response.text


def _flow_of(page: str) -> str:
    found = re.search(r'name="flow" value="([^"]+)"', page)
    assert found, page
    return found[1]
