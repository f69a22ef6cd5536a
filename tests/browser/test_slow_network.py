"""A quick person on a slow network: what she does counts in its order, and what comes late undoes nothing."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from playwright.async_api import Error, Page, Route, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.test_chats import choose, row, talk
from tests.browser.test_choice import opened_tools
from tests.browser.test_files import NOTES
from tests.browser.watch import Watch
from tests.support.eventually import eventually

DICE = "Please generate a random number between 1 and 6"
SNAPSHOT = "dispatchEvent(new Event('online'))"
"""What a network that comes back does to the page: the chat is loaded again."""
RELOAD_CHAT = """new Promise((done) => {
  const Source = window.EventSource;
  window.EventSource = class extends Source {
    constructor(...given) {
      super(...given);
      window.EventSource = Source;
      this.addEventListener("snapshot", () => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
  };
  dispatchEvent(new Event("online"));
})"""
"""The same; it ends when the page has drawn what it read."""
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
LATE_MODE = """
const Source = window.EventSource;
window.EventSource = class extends Source {
  addEventListener(name, listen) {
    const wait = name === "mode.changed" ? 1500 : 0;
    super.addEventListener(name, (event) => setTimeout(() => listen(event), wait));
  }
};
"""
SLOW_FILES = """() => {
  const read = Blob.prototype.arrayBuffer;
  Blob.prototype.arrayBuffer = async function () {
    await new Promise((done) => setTimeout(done, 500));
    return read.call(this);
  };
}"""


def until(held: asyncio.Event) -> Callable[[Route], Awaitable[None]]:
    """Return what lets requests wait for an event; the page may have given them up by then."""

    async def wait(route: Route) -> None:
        await held.wait()
        with suppress(Error):
            await route.continue_()

    return wait


async def drawn(page: Page) -> None:
    """Wait until the page has drawn what it was told."""
    await page.evaluate(DRAWN)


async def test_what_is_written_and_added_while_a_message_is_on_its_way_stays(alice: Person) -> None:
    arrives = asyncio.Event()
    await alice.page.route("**/messages", until(arrives))
    await alice.message.fill("hello there")
    await alice.message.press("Enter")
    await alice.message.press_sequentially(" and then")
    await alice.page.locator("#file-input").set_input_files(NOTES)
    arrives.set()
    await expect(alice.conversation.locator(".bubble")).to_have_text(["hello there"])
    await expect(alice.message).to_have_value("and then")
    await expect(alice.page.locator("#files .chip")).to_have_text([re.compile("notes.md")])
    await alice.finished()


async def test_a_message_that_is_sent_while_another_is_on_its_way_follows_it(alice: Person) -> None:
    arrives = asyncio.Event()
    await alice.page.route("**/messages", until(arrives))
    await alice.message.fill("hello there")
    for _ in range(2):  # twice the same is once
        await alice.message.press("Enter")
    await alice.message.fill("good morning")
    await alice.message.press("Enter")
    await drawn(alice.page)
    await expect(alice.message).to_have_value("good morning")
    arrives.set()
    await expect(alice.conversation.locator(".bubble")).to_have_text(["hello there", "good morning"])
    await expect(alice.message).to_have_value("")
    await alice.finished()


async def test_a_mode_holds_for_the_message_that_follows_it_at_once(alice: Person, stack: Stack) -> None:
    await alice.choose("Elicitation")

    async def late(route: Route) -> None:
        with suppress(TimeoutError):
            await eventually(lambda: stack.playground.calls, seconds=2)  # if the message comes first
        await route.continue_()

    await alice.page.route("**/mode", late)
    await alice.mode.select_option("manual")
    await alice.ask("Run a marathon")
    await expect(alice.call("run_marathon")).to_contain_text("Needs your decision")
    assert stack.playground.calls == []


async def test_a_message_is_not_sent_in_a_mode_that_the_person_wanted_to_leave(
    alice: Person, watch: Watch
) -> None:
    watch.allow("503")
    await alice.choose("Elicitation")
    refusal = {"error": {"code": "busy", "message": "Not now.", "retryable": True}}

    async def refuse(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.fulfill(status=503, json=refusal)

    await alice.page.route("**/mode", refuse)
    await alice.mode.select_option("manual")
    await alice.message.fill("Run a marathon")
    await alice.message.press("Enter")
    await expect(alice.notices).to_contain_text("Not now.")
    await expect(alice.send).not_to_have_attribute("aria-busy", "true")
    await expect(alice.mode).to_have_value("elicitation")
    await expect(alice.message).to_have_value("Run a marathon")
    await expect(alice.conversation.locator(".message")).to_have_count(0)


async def test_the_way_back_from_a_wide_mode_is_offered_though_its_event_comes_later(alice: Person) -> None:
    await alice.page.add_init_script(LATE_MODE)
    await alice.page.reload()
    await alice.ready()
    undo = alice.notices.get_by_role("button", name="Undo")
    await alice.choose("Elicitation")
    await expect(undo).to_be_visible()
    await alice.page.evaluate("dispatchEvent(new Event('offline'))")  # is drawn, with the mode as it was
    await expect(alice.page.locator("#connection")).to_have_text("You seem to be offline.")
    await expect(alice.page.locator("#mode-meaning")).to_have_class(re.compile("wide"))
    await expect(undo).to_be_visible()


async def test_the_way_back_from_a_wide_mode_is_offered_in_its_own_chat_alone(alice: Person) -> None:
    await talk(alice, "hello")
    held = asyncio.Event()
    await alice.page.route("**/mode", until(held))
    await alice.mode.select_option("elicitation")
    await alice.begin_another()
    async with alice.page.expect_response("**/mode"):
        held.set()
    await drawn(alice.page)
    await expect(alice.notices.get_by_role("button", name="Undo")).to_have_count(0)


async def test_a_new_chat_opens_before_the_one_that_was_opened_last_is_there(alice: Person) -> None:
    await talk(alice, "hello")
    await alice.begin_another()
    held = asyncio.Event()
    await alice.page.route("**/events", until(held))
    await row(alice, "hello").get_by_role("link").click()
    hello = alice.page.url
    await alice.page.get_by_role("button", name="New chat", exact=True).click()
    await expect(alice.page).not_to_have_url(hello)
    held.set()
    await expect(alice.page.locator("#empty")).to_be_visible()


async def test_a_list_of_chats_that_comes_late_takes_no_later_one_away(alice: Person) -> None:
    await talk(alice, "hello")
    held, asked = asyncio.Event(), asyncio.Event()

    async def old(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await held.wait()
        await route.fulfill(response=answer)

    await alice.page.route(re.compile("/api/chats$"), old, times=1)
    await alice.page.get_by_role("searchbox", name="Search chats").dispatch_event("input")
    await asked.wait()
    await choose(alice, "hello", "Rename")
    await alice.page.get_by_label("Title", exact=True).fill("Greetings")
    await alice.page.keyboard.press("Enter")
    await expect(row(alice, "Greetings")).to_have_count(1)
    async with alice.page.expect_response(re.compile("/api/chats$")):
        held.set()
    await drawn(alice.page)
    assert await row(alice, "Greetings").count() == 1


async def test_what_waits_in_a_chat_is_in_the_list_when_the_chat_is_left(alice: Person) -> None:
    held = asyncio.Event()

    async def hold_lists(route: Route) -> None:
        if route.request.method == "GET":
            await held.wait()
        with suppress(Error):
            await route.continue_()

    await alice.page.route(re.compile("/api/chats$"), hold_lists)
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_be_visible()
    await alice.begin_another()
    await expect(row(alice, DICE).get_by_title("1 needs your decision")).to_be_visible()
    held.set()


async def test_a_file_that_is_still_being_read_goes_with_the_message(alice: Person) -> None:
    await alice.page.evaluate(SLOW_FILES)
    await alice.message.fill("What do I need?")
    await alice.page.locator("#file-input").set_input_files(NOTES)
    await alice.message.press("Enter")
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text("notes.md")


async def test_a_tool_stays_unfolded_when_its_server_tells_of_itself(alice: Person) -> None:
    dialog = await opened_tools(alice)
    await dialog.get_by_text("playground", exact=True).click()
    await dialog.get_by_text("Marathon", exact=True).click()
    needs = dialog.get_by_text("Needs: kilometres (optional)")
    await expect(needs).to_be_visible()
    async with alice.page.expect_response("**/tools"):
        await alice.page.evaluate(SNAPSHOT)
    await drawn(alice.page)
    await expect(needs).to_be_visible()


async def test_the_focus_in_the_list_of_tools_stays_when_a_server_tells_of_itself(alice: Person) -> None:
    dialog = await opened_tools(alice)
    await dialog.get_by_text("playground", exact=True).click()
    await dialog.get_by_text("Marathon", exact=True).click()
    switch = dialog.get_by_role("switch", name="Use Marathon")
    summary = dialog.locator("summary").filter(has_text="Marathon")
    for place in (switch, summary):
        await place.focus()
        await place.evaluate("(e) => e.classList.add('drawn-before')")
        async with alice.page.expect_response("**/tools"):
            await alice.page.evaluate(SNAPSHOT)
        await expect(dialog.locator(".drawn-before")).to_have_count(0)
        await expect(place).to_be_focused()


async def test_a_call_stays_unfolded_when_the_chat_is_loaded_again(alice: Person) -> None:
    await alice.ask(DICE)
    await alice.approve("get_random_number")
    await alice.finished()
    card = alice.call("get_random_number")
    await card.locator("summary.card-line").click()
    row = card.get_by_role("row", name="min 1").first
    await expect(row).to_be_visible()
    await alice.page.evaluate(RELOAD_CHAT)
    await expect(row).to_be_visible()


async def test_the_raw_json_of_a_call_stays_when_it_ends_and_when_the_chat_is_loaded_again(
    alice: Person, stack: Stack
) -> None:
    await alice.ask("Run a marathon")
    await alice.approve("run_marathon")
    card = alice.call("run_marathon")
    await expect(card).to_have_attribute("data-status", "running")
    await card.locator("summary.card-line").click()
    toggle = card.get_by_role("button", name="Raw JSON")
    await toggle.click()
    await expect(toggle).to_be_focused()
    stack.playground.proceed.set()
    await alice.says("The marathon is over")
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await expect(card.locator("pre.raw").first).to_be_visible()
    await card.locator(".result").evaluate("(e) => e.classList.add('kept')")
    await alice.page.evaluate(RELOAD_CHAT)
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await expect(card.locator(".result.kept")).to_have_count(1)


async def test_enter_before_the_chat_is_there_is_remembered(alice: Person) -> None:
    held = asyncio.Event()
    await alice.page.route("**/events*", until(held))
    await alice.page.reload(wait_until="domcontentloaded")
    await alice.message.fill("hello")
    await alice.message.press("Enter")
    await expect(alice.send).to_have_attribute("data-awaited", "")
    await expect(alice.message).to_have_value("hello")
    held.set()
    await alice.says("offline model")
    await expect(alice.message).to_have_value("")
    await expect(alice.conversation.locator(".message.user")).to_have_count(1)


async def test_what_is_changed_after_an_early_enter_is_not_sent_by_itself(alice: Person) -> None:
    held = asyncio.Event()
    await alice.page.route("**/events*", until(held))
    await alice.page.reload(wait_until="domcontentloaded")
    await alice.message.fill("hello")
    await alice.message.press("Enter")
    await alice.message.press("!")
    await expect(alice.send).not_to_have_attribute("data-awaited", "")
    held.set()
    await alice.ready()
    await expect(alice.send).to_have_attribute("aria-disabled", "false")
    await drawn(alice.page)
    await expect(alice.message).to_have_value("hello!")
    await expect(alice.conversation.locator(".message.user")).to_have_count(0)


async def test_what_a_proxy_answers_while_the_chat_restarts_is_tried_again_and_offered_again(
    alice: Person, watch: Watch
) -> None:
    watch.allow("502|Failed to load resource")
    await alice.ask(DICE)
    asked: list[str] = []

    async def gateway(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}")["client_request_id"])
        await route.fulfill(status=502, content_type="text/html", body="<h1>502 Bad Gateway</h1>")

    await alice.page.route("**/decision", gateway)
    await alice.decline("get_random_number")
    await expect(alice.notices).to_contain_text(
        "The chat does not answer at the moment; it may be restarting."
    )
    assert len(asked) == 3
    assert len(set(asked)) == 1, "the chat would know it again"
    await alice.page.unroute("**/decision")
    await alice.decline("get_random_number")
    await expect(alice.notices).to_be_empty()
    await alice.says("declined")
