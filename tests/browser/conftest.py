"""One browser for all tests; a context of its own for each; and no console error goes unseen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.browser.chromium import launch
from tests.browser.person import ALICE, BOB, Person
from tests.browser.stack import Service, Stack, running_stack
from tests.browser.watch import Watch

import mcpsecurity_webclient
from mcpsecurity.testing import ScriptedModel
from mcpsecurity_server.app import create_app as create_server
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_webclient.app import create_app as create_webclient

expect.set_options(timeout=30_000)
STATIC = Path(mcpsecurity_webclient.__file__).parent / "static"


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser, _ = await launch(playwright)
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """What goes wrong in any page of the test. The test fails if anything is left at its end."""
    watch = Watch()
    yield watch
    watch.check()


@pytest.fixture
async def context(browser: Browser, watch: Watch) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(locale="en-GB", timezone_id="Europe/Zurich")
    context.set_default_timeout(30_000)
    watch.observe(context)
    await watch.tell_violations(context)
    yield context
    await context.close()


@pytest.fixture(scope="session")
async def static_url() -> AsyncIterator[str]:
    """The static files alone, for tests of single modules; its root is an empty page."""

    async def empty_page(_: web.Request) -> web.Response:
        return web.Response(
            text='<!doctype html><link rel="icon" href="data:,"><title>modules</title>',
            content_type="text/html",
        )

    app = web.Application()
    app.router.add_get("/", empty_page)
    app.router.add_static("/static", STATIC)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture(scope="session")
async def modules_page(browser: Browser) -> AsyncIterator[Page]:
    """One page for all tests of single modules; each test loads it again."""
    context = await browser.new_context(locale="en-GB", timezone_id="Europe/Zurich")
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def modules(modules_page: Page, static_url: str, watch: Watch) -> AsyncIterator[Page]:
    """An empty page that can import the chat's modules from `/static/js/`."""
    watch.observe(modules_page.context)
    await modules_page.goto(static_url)
    yield modules_page
    watch.leave(modules_page.context)


@pytest.fixture(scope="session")
async def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("localcloud")) as stack:
        yield stack


@pytest.fixture
async def stack(whole_stack: Stack) -> Stack:
    """The running product, as if nobody had used it before."""
    await whole_stack.reset()
    return whole_stack


@pytest.fixture
def script(stack: Stack) -> ScriptedModel:
    """What the model says next, word for word: for answers that the offline model does not give."""
    return ScriptedModel(stack.model.script)


@pytest.fixture
async def alice(context: BrowserContext, stack: Stack) -> Person:
    """Alice, signed in."""
    return await _signed_in(context, stack.url, ALICE)


@pytest.fixture
async def alice_with(
    context: BrowserContext, stack: Stack
) -> AsyncIterator[Callable[..., Awaitable[Person]]]:
    """Signs Alice in at a chat whose model has these settings: `await alice_with(model_api="chat")`."""

    async def begin(**model: Any) -> Person:
        await stack.use_model(**model)
        return await _signed_in(context, stack.any_url, ALICE)

    yield begin
    for page in context.pages:
        await page.close()  # it would ask a service that is gone
    await stack.stop_model()


@pytest.fixture
async def alice_with_bundle(context: BrowserContext, stack: Stack) -> AsyncIterator[Person]:
    """Alice, signed in at a chat that serves the page's bundle."""
    web = Service(lambda: create_webclient(stack.web_settings(url=url, bundled=True)))
    url = f"http://localhost:{web.port}"
    stack.cloud.register_webclient_url(url)
    await web.start()
    person = await _signed_in(context, url, ALICE)
    yield person
    await person.page.close()  # it would ask a service that is gone
    await web.stop()


@pytest.fixture
async def alice_in_a_hurry(context: BrowserContext, stack: Stack) -> Person:
    """Alice at a chat where questions expire after eight seconds."""
    person = await _signed_in(context, stack.hasty_url, ALICE)
    await person.begin_another()
    return person


@pytest.fixture
async def strict_chat(stack: Stack, context: BrowserContext) -> AsyncIterator[str]:
    """A chat whose server wants one more permission for random numbers, and another step for the date."""
    cloud = stack.cloud
    cloud.tenant.directory.publish_scope("random:read", "Read random numbers as you", personal=True)
    server = Service(lambda: create_server(settings))
    url = f"http://localhost:{server.port}/mcp"
    settings = ServerSettings(
        authority=cloud.authority,
        tenant_id=cloud.tenant_id,
        ca_file=cloud.ca_file,
        client_id=cloud.api_client_id,
        url=url,
        approval="never",
        tool_scopes={"get_random_number": ("random:read",)},
        tool_acrs={"get_current_date_time": "c1"},
    )
    web = Service(lambda: create_webclient(stack.web_settings(url=chat, mcp_server_url=url, more_servers=())))
    chat = f"http://localhost:{web.port}"
    cloud.register_webclient_url(chat)
    await server.start()
    await web.start()
    yield chat
    for page in context.pages:
        await page.close()  # it would ask a service that is gone
    await web.stop()
    await server.stop()


@pytest.fixture
async def bob(browser: Browser, watch: Watch, stack: Stack) -> AsyncIterator[Person]:
    """Bob, in a browser of his own."""
    context = await browser.new_context(locale="en-GB", timezone_id="Europe/Zurich")
    context.set_default_timeout(30_000)
    watch.observe(context)
    await watch.tell_violations(context)
    yield await _signed_in(context, stack.url, BOB)
    await context.close()


async def _signed_in(context: BrowserContext, url: str, user: str) -> Person:
    return await Person(await context.new_page(), url).sign_in(user)
