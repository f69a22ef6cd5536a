"""The list of chats: by date, each with a menu, and one after the other without loading the page."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Locator, Route, expect
from pydantic import SecretStr
from tests.browser.accessibility import assert_accessible
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch

MORE_TIME = """() => {
  const timeout = window.setTimeout;
  window.setTimeout = (act, ms, ...more) => timeout(act, ms === 10_000 ? 60_000 : ms, ...more);
}"""
"""Gives a minute for second thoughts, as a slow machine needs more than ten seconds for a test of them."""
DICE = "Please generate a random number between 1 and 6"


def row(person: Person, title: str) -> Locator:
    """Return the chat of this title in the list."""
    chats = person.page.get_by_role("navigation", name="Chats").get_by_role("listitem")
    return chats.filter(has=person.page.get_by_role("link", name=title))


async def choose(person: Person, title: str, action: str) -> None:
    """Choose from the menu of the first chat of this title in the list."""
    await row(person, title).first.hover()
    await row(person, title).first.get_by_role("button", name=f"Menu of {title}").click()
    await person.page.locator("#chat-menu").get_by_text(action, exact=True).click()


async def talk(person: Person, *texts: str) -> None:
    """Have a chat for each text."""
    for number, text in enumerate(texts):
        if number:
            await person.begin_another()
        await person.ask(text)
        await person.finished()


async def test_another_chat_opens_without_loading_the_page_and_drafts_are_kept(alice: Person) -> None:
    await talk(alice, "hello", "help")
    await alice.message.fill("half a thought")
    await alice.page.evaluate("window.stays = true")
    asked: list[str] = []
    alice.page.on("request", lambda request: asked.append(re.sub("/chats/.*/", "/chats/*/", request.url)))

    await row(alice, "hello").get_by_role("link").click()
    await expect(alice.conversation.locator(".message.user")).to_have_text(re.compile("hello"))
    await expect(alice.message).to_have_value("")
    await expect(row(alice, "hello").get_by_role("link")).to_have_attribute("aria-current", "page")
    assert asked.count(f"{alice.url}/api/chats/*/events") == 1
    lists = asked.count(f"{alice.url}/api/chats")  # one of them may be of the answer before
    assert lists <= 2, asked
    assert len([url for url in asked if "/api/" in url]) == 1 + lists, asked

    await alice.page.go_back()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("help")
    await expect(alice.message).to_have_value("half a thought")
    assert await alice.page.evaluate("window.stays")


async def test_new_chats_do_not_pile_up(alice: Person) -> None:
    await talk(alice, "hello")
    for _ in range(3):
        await alice.page.get_by_role("button", name="New chat", exact=True).click()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("New chat")
    chats = alice.page.get_by_role("navigation", name="Chats").get_by_role("link")
    await expect(chats).to_have_count(1)
    day = re.compile("^(Today|Yesterday)$")  # at midnight
    await expect(alice.page.get_by_role("heading", name=day)).to_be_visible()


async def test_a_new_chat_whose_first_message_could_not_be_sent_is_not_in_the_list(
    alice: Person, watch: Watch
) -> None:
    watch.allow("503|Failed to load resource")
    await talk(alice, "hello")
    await alice.begin_another()
    refusal = {"error": {"code": "busy", "message": "Not now.", "retryable": True}}
    refused = asyncio.Event()

    async def refuse(route: Route) -> None:
        await refused.wait()
        await route.fulfill(status=503, json=refusal)

    await alice.page.route("**/messages", refuse)
    await alice.message.fill("help")
    await alice.message.press("Enter")
    await expect(row(alice, "help")).to_have_count(1)
    refused.set()
    await expect(alice.notices.get_by_role("button", name="Try again")).to_be_visible()
    await expect(row(alice, "help")).to_have_count(0)
    await alice.page.unroute("**/messages")
    await alice.notices.get_by_role("button", name="Try again").click()
    await expect(row(alice, "help")).to_have_count(1)


async def test_a_chat_in_which_nothing_was_said_offers_nothing_to_take_along(alice: Person) -> None:
    options = alice.page.get_by_role("button", name="Chat menu")
    menu = alice.page.get_by_role("dialog", name="Chat menu")
    taken = menu.get_by_text(re.compile("^(Export|Share)"))
    await options.click()
    await expect(menu.get_by_role("button", name="Rename")).to_be_visible()
    await expect(taken.filter(visible=True)).to_have_count(0)
    await alice.page.keyboard.press("Escape")
    await alice.ask("hello")
    await options.click()
    await expect(taken.filter(visible=True)).to_have_count(3)


async def test_a_chat_is_pinned_renamed_and_found_by_its_words(alice: Person) -> None:
    await talk(alice, "hello", "help")
    await choose(alice, "hello", "Pin to the top")
    links = alice.page.get_by_role("navigation", name="Chats").get_by_role("link")
    await expect(links).to_have_text([re.compile("hello"), re.compile("help")])
    await expect(alice.page.get_by_role("heading", name="Pinned")).to_be_visible()

    await choose(alice, "hello", "Rename")
    await alice.page.get_by_label("Title").fill("Greetings")
    await assert_accessible(alice.page)
    await alice.page.keyboard.press("Enter")
    await expect(links.first).to_contain_text("Greetings")

    search = alice.page.get_by_role("searchbox", name="Search chats")
    await search.fill("i am the offline")
    await expect(links.first).to_contain_text("I am the offline model")
    await links.first.click()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("Greetings")
    await expect(search).to_have_value("i am the offline")


async def test_a_deleted_chat_can_be_brought_back(alice: Person) -> None:
    await talk(alice, "hello", "help")
    await alice.page.evaluate(MORE_TIME)
    await choose(alice, "help", "Delete")
    await expect(row(alice, "help")).to_have_count(0)
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("hello")
    await alice.notices.get_by_role("button", name="Undo").click()
    await expect(row(alice, "help")).to_have_count(1)
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("help")

    await choose(alice, "hello", "Delete")
    await expect(row(alice, "hello")).to_have_count(0)
    await alice.page.reload()  # the time for second thoughts is over
    await expect(row(alice, "help")).to_have_count(1)
    await expect(row(alice, "hello")).to_have_count(0)


async def test_two_chats_of_one_name_are_brought_back_after_the_connection_broke_and_another_was_opened(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("net::ERR|Failed to load resource")
    await talk(alice, "hello", "hello", "help")
    await alice.page.evaluate(MORE_TIME)
    for left in (1, 0):
        await choose(alice, "hello", "Delete")
        await expect(row(alice, "hello")).to_have_count(left)
    await stack.cut_streams()
    await alice.begin_another()
    undo = alice.notices.get_by_role("button", name="Undo")
    await expect(undo).to_have_count(2)
    for found in (1, 2):
        await undo.first.click()
        await expect(row(alice, "hello")).to_have_count(found)
    await expect(undo).to_have_count(0)
    await alice.page.reload()
    await expect(row(alice, "hello")).to_have_count(2)


async def test_each_of_many_deletions_can_be_undone_while_other_notices_are_shown(alice: Person) -> None:
    names = ["hello", "help", "thanks", "good morning", "who are you"]
    await talk(alice, *names, "goodbye")
    await alice.page.evaluate(MORE_TIME)
    for name in names:
        await choose(alice, name, "Delete")
        await expect(row(alice, name)).to_have_count(0)
    undo = alice.notices.get_by_role("button", name="Undo")
    await expect(undo).to_have_count(len(names))
    await undo.first.click()
    await expect(row(alice, "hello")).to_have_count(1)


async def test_a_chat_that_could_not_be_deleted_is_there_after_a_restart(
    alice_with: Callable[..., Awaitable[Person]], stack: Stack, watch: Watch, tmp_path: Path
) -> None:
    watch.allow("ERR_|Failed to load resource|401|INCOMPLETE")
    alice = await alice_with(database_url=SecretStr(f"sqlite:///{tmp_path / 'chats.sqlite3'}"))
    await talk(alice, "hello", "help")
    await choose(alice, "help", "Delete")
    await stack.stop_model()
    await stack.any_web.start()
    ended = alice.page.get_by_role("alert").filter(has_text="session has ended")
    await ended.get_by_role("link", name="Sign in again").click()
    await alice.sign_in_again()
    await expect(row(alice, "hello")).to_have_count(1)
    await choose(alice, "help", "Delete")
    await alice.page.reload()
    await expect(row(alice, "hello")).to_have_count(1)
    await expect(row(alice, "help")).to_have_count(0)


async def test_what_waits_in_another_chat_is_seen(alice: Person) -> None:
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_be_visible()
    await alice.begin_another()
    await expect(row(alice, DICE).get_by_title("1 needs your decision")).to_have_text("1")
    await expect(alice.page).to_have_title(re.compile(r"^\(1\) New chat"))
    await row(alice, DICE).get_by_role("link").click()
    await alice.decline("get_random_number")
    await expect(alice.page).to_have_title(re.compile("^Please"))


async def test_a_person_with_too_many_answers_is_led_to_one_that_waits_for_her(
    alice: Person, watch: Watch
) -> None:
    watch.allow("429")
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_be_visible()
    await alice.begin_another()
    await expect(row(alice, DICE).get_by_title("1 needs your decision")).to_be_visible()
    error = {
        "code": "too_many_runs",
        "message": "Too many of your chats are being answered.",
        "retryable": True,
    }
    await alice.page.route("**/messages", lambda route: route.fulfill(status=429, json={"error": error}))
    await alice.message.fill("hello")
    await alice.message.press("Enter")
    await alice.notices.get_by_role("button", name="Show").click()
    await expect(alice.call("get_random_number")).to_be_visible()
