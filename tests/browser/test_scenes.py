"""Menus, lists and second steps are accessible in every width, theme and enlargement (WCAG 2.2, by axe)."""

from collections.abc import Awaitable, Callable

import pytest
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.scenes import MENUS, TALK, Scene, play
from tests.browser.stack import Stack


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
    async for name, shown in play(person, scenes):
        try:
            await check_in_every_look(shown)
        except AssertionError as error:
            error.add_note(name)
            raise
