"""The main job with every API and both offline deployments: asked, approved, answered; declined; stopped."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.stack import Stack

ALICE_WITH = Callable[..., Awaitable[Person]]
WAYS = {
    "responses": {"model_api": "responses"},
    "chat completions": {"model_api": "chat"},
    "the dated path": {"model_api": "chat", "azure_openai_api_version": "2024-12-01-preview"},
}
API_OF = {"responses": "responses", "chat completions": "chat", "the dated path": "dated"}


@pytest.mark.parametrize("deployment", ["offline-model", "offline-reasoning"])
@pytest.mark.parametrize("way", WAYS)
async def test_the_main_job_is_done_with_every_api_of_models(
    alice_with: ALICE_WITH, stack: Stack, way: str, deployment: str
) -> None:
    settings: dict[str, Any] = {**WAYS[way], "deployment": deployment}
    alice = await alice_with(**settings)
    await alice.ask("Please generate a random number between 1 and 6")
    await alice.approve("get_random_number")
    answer = await alice.says(r"between 1 and 6 is [1-6]")
    assert int(re.findall(r"\d+", answer)[-1]) in range(1, 7)
    await alice.ask("What is the weather in Zurich?")
    await alice.call("get_city_weather").get_by_role("button", name="Decline").first.click()
    await alice.says("You declined the call of get_city_weather")
    await alice.ask("Thanks!")
    await alice.says("You're welcome")
    await expect(alice.page.get_by_role("group", name="No answer")).to_have_count(0)
    assert {(asked.api, asked.deployment) for asked in stack.model.script.asked} == {
        (API_OF[way], deployment)
    }
