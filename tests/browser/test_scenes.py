"""Menus, lists and second steps are accessible in every width, theme and enlargement (WCAG 2.2, by axe)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.async_api import Page, expect
from tests.browser.accessibility import problems
from tests.browser.person import Person
from tests.browser.scenes import MENUS, TALK, Scene, play
from tests.browser.stack import Stack


@dataclass(frozen=True)
class Look:
    """A size in CSS pixels (half of 1280x800 is 200 %, a quarter 400 %), a theme, the system's colours."""

    width: int
    height: int
    scheme: Literal["light", "dark"]
    forced: Literal["active", "none"] = "none"

    async def put_on(self, page: Page) -> None:
        await page.set_viewport_size({"width": self.width, "height": self.height})
        await page.emulate_media(color_scheme=self.scheme, forced_colors=self.forced)


LOOKS = (
    Look(1280, 800, "light"),
    Look(1280, 800, "dark"),
    Look(1280, 800, "light", forced="active"),
    Look(768, 1024, "dark"),
    Look(360, 640, "light"),
    Look(640, 400, "dark"),
    Look(320, 200, "light"),
)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenes", [MENUS, TALK], ids=["menus", "talk"])
async def test_every_scene_is_accessible_in_every_look(
    scenes: tuple[Scene, ...], alice_with: Callable[..., Awaitable[Person]], stack: Stack
) -> None:
    common = {"endpoint": stack.cloud.openai_endpoint, "key": stack.cloud.openai_api_key}
    models = [
        {"name": "offline-model", "title": "Everyday", **common},
        {"name": "small", "title": "Small", "model": "offline-vision", **common},
    ]
    person = await alice_with(listed_models=models)
    found = []
    async for name, shown in play(person, scenes):
        for look in LOOKS:
            await look.put_on(person.page)
            await expect(shown).to_be_attached()
            found += [f"{name} in {look}: {problem}" for problem in await problems(person.page)]
    assert not found, "\n".join(found)
