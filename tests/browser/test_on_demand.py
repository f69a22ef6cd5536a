"""A part of the page that loads on demand and does not come is said in words, and can be asked for again."""

import re

import pytest
from playwright.async_api import Locator, Route, expect
from tests.browser.accessibility import assert_accessible
from tests.browser.person import Person
from tests.browser.test_chats import choose
from tests.browser.test_choice import opened_tools
from tests.browser.watch import Watch

ON_DEMAND = re.compile(r"/static/[0-9a-f]{16}/(?!main\.)\w+\.js$")


@pytest.fixture
async def alice(alice_with_bundle: Person, watch: Watch) -> Person:
    """Alice, to whose browser no further module comes until `network_is_back`."""
    watch.allow("net::ERR_|Failed to load resource|Failed to fetch dynamically")
    await alice_with_bundle.page.route(ON_DEMAND, fail)
    return alice_with_bundle


async def fail(route: Route) -> None:
    await route.abort()


async def network_is_back(person: Person) -> None:
    """Let the modules come."""
    await person.page.unroute(ON_DEMAND, fail)


async def tries_again(person: Person, where: Locator) -> None:
    """See the words in place of the missing part, and try again without a network and then with one."""
    words = where.get_by_text("could not be loaded")
    again = where.get_by_role("button", name="Try again")
    await expect(words).to_be_visible()
    await assert_accessible(person.page)
    async with person.page.expect_event("requestfailed"):
        await again.click()
    await expect(words).to_be_visible()
    await network_is_back(person)
    await again.click()
    await expect(words).to_have_count(0)


async def test_the_list_of_tools_is_offered_again(alice: Person) -> None:
    dialog = await opened_tools(alice)
    await expect(dialog).to_be_hidden()
    await tries_again(alice, alice.notices)
    await expect(dialog.get_by_role("switch").first).to_be_visible()


async def test_the_prompts_are_offered_again_and_the_draft_stays(alice: Person) -> None:
    await alice.message.press_sequentially("/sum")
    await tries_again(alice, alice.notices)
    await expect(alice.page.get_by_role("combobox", name="Find a prompt")).to_have_value("sum")


async def test_a_message_is_edited_at_the_second_try(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    await alice.message.fill("half a thought")
    await alice.page.get_by_role("button", name="Edit message").click()
    await tries_again(alice, alice.notices)
    await expect(alice.page.get_by_role("textbox", name="What you said")).to_have_value("hello")
    await expect(alice.message).to_have_value("half a thought")


async def test_a_chat_is_shared_at_the_second_try(alice: Person) -> None:
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.ask("hello")
    await alice.finished()
    await choose(alice, "hello", "Share")
    await tries_again(alice, alice.notices)
    await alice.finds_copied("hello")


async def test_the_menus_say_what_is_missing_in_their_place(alice: Person) -> None:
    await alice.page.get_by_role("button", name="Account").click()
    account = alice.page.get_by_role("dialog", name="Account")
    await tries_again(alice, account)
    await expect(account.get_by_text("Nothing. What you allow")).to_be_visible()
    await alice.page.keyboard.press("Escape")

    await alice.page.route(ON_DEMAND, fail)
    await alice.page.get_by_role("button", name="Attach a resource").click()
    resources = alice.page.get_by_role("dialog", name="Attach a resource")
    await expect(resources.get_by_role("button", name="System overview")).to_be_visible()
    await tries_again(alice, resources)
    await expect(resources.get_by_text("Notes of a day")).to_be_visible()


async def test_a_drawing_is_drawn_at_the_second_try(alice: Person) -> None:
    await alice.ask("What is the weather in Zurich?")
    await alice.approve("get_city_weather")
    await alice.says("Zurich")
    frame = alice.page.locator(".chart-frame").first
    await tries_again(alice, frame)
    await expect(frame.locator("svg")).to_be_visible()
