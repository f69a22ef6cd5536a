"""The design system and ten states of the page look as they did when their pictures were made."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from tests.browser import scenes
from tests.browser.looks import picture
from tests.browser.person import Person
from tests.browser.snapshots import Album

CONTROLS = Path(__file__).with_name("controls.html")


@pytest.fixture
async def album(browser: Browser) -> AsyncIterator[Album]:
    """The kept pictures; the test is skipped where they cannot be compared, and fails where one differs."""
    context = await browser.new_context(viewport={"width": 600, "height": 200})
    album = Album(await context.new_page())
    await album.skip_elsewhere()
    yield album
    await context.close()
    album.check()


async def test_the_design_system(modules: Page, static_url: str, album: Album) -> None:
    await modules.set_viewport_size({"width": 760, "height": 860})
    await modules.route(f"{static_url}/controls", lambda route: route.fulfill(path=CONTROLS))
    await modules.goto(f"{static_url}/controls")
    for scheme in ("light", "dark"):
        await modules.emulate_media(color_scheme=scheme)
        await album.compare(f"controls-{scheme}", modules)
        await picture(modules, f"controls-{scheme}")
    await modules.emulate_media(color_scheme="light", forced_colors="active")
    await album.compare("controls-forced", modules)
    await modules.emulate_media(color_scheme="light", forced_colors="none")


async def test_ten_states_of_the_page(alice: Person, album: Album) -> None:
    page = alice.page
    await page.set_viewport_size({"width": 1280, "height": 800})
    await album.compare("empty", page)
    for scene in (scenes.many_calls, scenes.table, scenes.error, scenes.second_step, scenes.form):
        shown = await scene(alice)
        await expect(shown).to_be_visible()
        await album.compare(scene.__name__, page)
        await alice.begin_another()
    await alice.choose("Manual")
    await alice.ask(scenes.DICE)
    await expect(alice.call("get_random_number")).to_be_visible()
    await album.compare("approval", page)
    await page.set_viewport_size({"width": 640, "height": 360})
    await album.compare("low", page)
    await page.set_viewport_size({"width": 360, "height": 640})
    await page.emulate_media(color_scheme="dark")
    await album.compare("dark", page)
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name="Chats").click()
    await album.compare("chats", page)
