"""A message whose taking is told late: what was done meanwhile stays, and what was sent leaves the box."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect
from tests.browser.person import Person
from tests.browser.test_chats import row, talk
from tests.browser.test_slow_network import drawn, until


@pytest.fixture
async def answered(alice: Person) -> asyncio.Event:
    """Alice has sent `help` in a second chat; the page does not hear that it was taken before this event."""
    answered = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await answered.wait()
        await route.fulfill(response=answer)

    await talk(alice, "hello")
    await alice.begin_another()
    await alice.page.route("**/messages", late)
    await alice.message.fill("help")
    await alice.message.press("Enter")
    await expect(alice.answers).to_have_count(1)
    return answered


async def test_what_was_written_after_a_message_stays_though_the_message_is_taken_in_another_chat(
    alice: Person, answered: asyncio.Event
) -> None:
    await alice.message.fill("half a thought")
    await row(alice, "hello").get_by_role("link").click()
    await expect(alice.message).to_have_value("")
    async with alice.page.expect_response("**/messages"):
        answered.set()
    await drawn(alice.page)
    await row(alice, "help").get_by_role("link").click()
    await expect(alice.message).to_have_value("half a thought")


async def test_a_message_that_is_taken_after_its_chat_was_left_and_opened_again_leaves_the_box(
    alice: Person, answered: asyncio.Event
) -> None:
    await row(alice, "hello").get_by_role("link").click()
    await expect(alice.message).to_have_value("")
    await row(alice, "help").get_by_role("link").click()
    await expect(alice.message).to_have_value("help")
    answered.set()
    await expect(alice.message).to_have_value("")


async def test_a_list_that_was_read_before_does_not_take_away_the_chat_of_a_message_that_is_on_its_way(
    alice: Person,
) -> None:
    await talk(alice, "hello")
    await alice.begin_another()
    read, shown, sent = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def old(route: Route) -> None:
        answer = await route.fetch()
        read.set()
        await shown.wait()
        await route.fulfill(response=answer)

    await alice.page.route("**/messages", until(sent))
    await alice.page.route(re.compile("/api/chats$"), old, times=1)
    await alice.page.get_by_role("searchbox", name="Search chats").dispatch_event("input")
    await read.wait()
    await alice.message.fill("help")
    await alice.message.press("Enter")
    await expect(row(alice, "help")).to_have_count(1)
    async with alice.page.expect_response(re.compile("/api/chats$")):
        shown.set()
    await drawn(alice.page)
    assert await row(alice, "help").count() == 1
    sent.set()
    await expect(alice.answers).to_have_count(1)
