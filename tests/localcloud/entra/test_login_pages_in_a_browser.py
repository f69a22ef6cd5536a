"""The pages in a real browser: policies that browsers enforce, small screens, the dark, and the keyboard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # has no types
from playwright.async_api import Page, async_playwright
from tests.browser.chromium import launch

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.runtime.service import started_runner

pytestmark = pytest.mark.browser


@pytest.fixture
async def client_url(cloud: LocalCloud) -> AsyncIterator[str]:
    """A web client that goes on to another page once it was answered, as web clients do."""

    async def callback(request: web.Request) -> web.StreamResponse:
        answer = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        raise web.HTTPSeeOther(f"/?{'signed-in' if 'code' in answer else 'declined'}")

    async def home(_request: web.Request) -> web.Response:
        return web.Response(text="<h1>The client</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/signin-oidc", callback)
    app.router.add_get("/", home)
    runner = await started_runner(app)
    url = f"http://localhost:{runner.addresses[0][1]}"
    cloud.register_webclient_url(url)
    yield url
    await runner.cleanup()


@asynccontextmanager
async def _page(scheme: str = "light") -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser, _ = await launch(playwright)
        page = await browser.new_page(
            viewport={"width": 360, "height": 740},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page.set_default_timeout(15_000)
        yield page
        await browser.close()


def _authorize(cloud: LocalCloud, client_url: str, **changed: str) -> str:
    parameters = {
        "client_id": cloud.web_client_id,
        "response_type": "code",
        "redirect_uri": f"{client_url}/signin-oidc",
        "scope": f"openid profile offline_access {cloud.scope}",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        **changed,
    }
    return f"{cloud.http_url}/{cloud.tenant_id}/oauth2/v2.0/authorize?{urlencode(parameters)}"


async def _problems(page: Page) -> list[str]:
    """What axe finds, and whether the page is wider than the screen."""
    found = [str(violation["id"]) for violation in (await Axe().run(page)).response["violations"]]
    width = await page.evaluate("document.documentElement.scrollWidth")
    return found + ([f"{width} pixels wide"] if width > 360 else [])


@pytest.mark.parametrize("response_mode", ["query", "form_post"])
async def test_a_person_signs_in_and_consents(cloud: LocalCloud, client_url: str, response_mode: str) -> None:
    async with _page() as page:
        await page.goto(_authorize(cloud, client_url, prompt="consent", response_mode=response_mode))
        await page.get_by_role("button", name="alice@contoso.example").click()
        await page.get_by_role("button", name="Accept").click()
        await page.wait_for_url(f"{client_url}/?signed-in")


async def test_what_is_permitted_is_read_before_the_buttons_that_permit_it(
    cloud: LocalCloud, client_url: str
) -> None:
    async with _page() as page:
        await page.goto(_authorize(cloud, client_url))
        words = await page.locator("body").inner_text()
        names = ("Use the tools of the MCP server as you", "alice@contoso.example")
        assert words.index(names[0]) < words.index(names[1])
        assert "mcp:tools" not in words


async def test_a_person_declines(cloud: LocalCloud, client_url: str) -> None:
    async with _page() as page:
        await page.goto(_authorize(cloud, client_url, prompt="consent"))
        await page.get_by_role("button", name="bob@contoso.example").click()
        await page.get_by_role("button", name="Cancel").click()
        await page.wait_for_url(f"{client_url}/?declined")


async def test_the_keyboard_is_enough(cloud: LocalCloud, client_url: str) -> None:
    async with _page() as page:
        await page.goto(_authorize(cloud, client_url))
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{client_url}/?signed-in")


async def test_a_person_with_two_accounts_signs_out_of_one(cloud: LocalCloud, client_url: str) -> None:
    async with _page() as page:
        for name in ("alice@contoso.example", "bob@contoso.example"):
            await page.goto(_authorize(cloud, client_url, prompt="select_account"))
            await page.get_by_role("button", name=name).click()
            await page.wait_for_url(f"{client_url}/?signed-in")
        target = urlencode({"post_logout_redirect_uri": f"{client_url}/"})
        await page.goto(f"{cloud.http_url}/{cloud.tenant_id}/oauth2/v2.0/logout?{target}")
        await page.get_by_role("button", name="alice@contoso.example").click()
        await page.wait_for_url(f"{client_url}/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_are_accessible_and_fit_a_small_screen(
    cloud: LocalCloud, client_url: str, scheme: str
) -> None:
    base = f"{cloud.http_url}/{cloud.tenant_id}/oauth2/v2.0"
    async with _page(scheme) as page:
        await page.goto(_authorize(cloud, client_url, prompt="consent"))
        found = {"login": await _problems(page)}
        await page.get_by_role("button", name="guest@fabrikam.example").click()
        await page.get_by_role("button", name="Accept").wait_for()
        found["consent"] = await _problems(page)
        await page.goto(f"{base}/deviceauth")
        await page.get_by_label("Code").fill("WRONG")
        await page.keyboard.press("Enter")
        await page.get_by_role("alert").wait_for()
        found["device"] = await _problems(page)
        await page.goto(f"{base}/authorize?client_id=unknown")
        found["error"] = await _problems(page)

    assert found == {"login": [], "consent": [], "device": [], "error": []}
