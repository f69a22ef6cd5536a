"""One person with two tabs: both show every state, and neither spoils what the other does."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Route, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.test_chats import choose, row, talk
from tests.browser.watch import Watch

from mcpsecurity.testing import ScriptedModel, says

LONG = "hello hello " * 600


async def second_tab(person: Person) -> Person:
    """Open the chat that a person sees in another tab, too."""
    other = Person(await person.page.context.new_page(), person.url)
    await other.page.goto(person.page.url)
    await other.ready()
    return other


async def edited(person: Person, old: str, new: str) -> None:
    """Write something else in the place of a message, and ask."""
    message = person.page.locator(".message.user").filter(has_text=old)
    await message.hover()
    await message.get_by_role("button", name="Edit message").click()
    await person.page.get_by_role("textbox", name="What you said").fill(new)
    await person.page.get_by_role("button", name="Save and ask").click()


def waiting(person: Person) -> Locator:
    """Return the messages that wait."""
    return person.page.get_by_role("list", name="Messages that wait")


def allowed(person: Person) -> Locator:
    """Return what runs without asking."""
    return person.page.get_by_role("group", name="Always allowed in this chat")


async def test_versions_are_the_same_in_both_tabs(alice: Person) -> None:
    await talk(alice, "hello there")
    other = await second_tab(alice)
    bubbles = [tab.conversation.locator(".bubble") for tab in (alice, other)]
    await edited(alice, "hello there", "good morning")
    await expect(bubbles[1]).to_have_text(["good morning"])
    await expect(other.page.get_by_text("2 of 2").first).to_be_visible()
    await other.finished()
    await other.page.get_by_role("button", name="Version before").first.click()
    await expect(bubbles[0]).to_have_text(["hello there"])
    await expect(alice.page.get_by_text("1 of 2").first).to_be_visible()
    await alice.page.get_by_role("button", name="Regenerate").last.click()
    await expect(other.conversation.get_by_text("2 of 2")).to_have_count(1)


async def test_what_waits_and_what_is_allowed_is_taken_back_in_either_tab(
    alice: Person, stack: Stack
) -> None:
    await alice.ask("Run a marathon")
    await expect(alice.call("run_marathon")).to_be_visible()
    other = await second_tab(alice)
    for text in ("and what then?", "and after that?"):
        await alice.message.fill(text)
        await alice.send.click()
        await expect(waiting(other)).to_contain_text(text)
    await waiting(other).get_by_role("button", name="Take back").first.click()
    await expect(other.message).to_have_value("and what then?")
    await expect(waiting(alice).get_by_role("listitem")).to_have_text([re.compile("and after that")])
    stack.playground.proceed.set()
    await other.call("run_marathon").get_by_role("checkbox", name="Don't ask again").check()
    await other.approve("run_marathon")
    for tab in (alice, other):
        await expect(tab.conversation.locator(".bubble").last).to_have_text("and after that?")
        await expect(waiting(tab)).to_be_hidden()
        await expect(allowed(tab)).to_contain_text("run_marathon")
        await tab.finished()
    await allowed(alice).get_by_role("button", name="Revoke run_marathon").click()
    await expect(allowed(other)).to_be_hidden()
    await other.ask("Run a marathon")
    await expect(alice.call("run_marathon", 1).get_by_role("button", name="Approve")).to_be_visible()


async def test_an_edit_that_the_other_tab_forestalls_is_said_not_to_have_been_sent(alice: Person) -> None:
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.call("get_random_number")).to_be_visible()
    other = await second_tab(alice)
    card = other.call("get_random_number")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("min").fill("3")
    await alice.approve("get_random_number")
    await expect(other.notices).to_contain_text("decided in another tab, without your changes")
    await alice.finished()
    await expect(alice.notices.get_by_role("listitem")).to_have_count(0)


async def test_a_note_is_read_in_both_tabs(alice_with: Callable[..., Awaitable[Person]]) -> None:
    alice = await alice_with(context_window=8_192)
    other = await second_tab(alice)
    for _ in range(3):
        await alice.ask(LONG)
        await alice.finished()
    notes = []
    for tab in (alice, other):
        await tab.page.get_by_role("button", name=re.compile("^Context")).click()
        note = tab.page.locator("#window-panel .window-note")
        await note.get_by_text(re.compile("A note instead of the first . messages")).click()
        notes.append(await note.inner_text())
    assert notes[0] == notes[1]
    assert "Written by" in notes[0]


async def test_a_chat_that_is_deleted_in_the_other_tab_takes_no_words_with_it(
    alice: Person, watch: Watch
) -> None:
    watch.allow("404|net::ERR_FAILED")
    await talk(alice, "hello", "help")
    other = await second_tab(alice)
    await other.message.fill("half a thought")
    await other.page.route("**/api/session", lambda route: route.abort(), times=1)
    await alice.page.clock.install()
    await choose(alice, "help", "Delete")
    await expect(row(other, "help")).to_have_count(1)  # it can still be brought back
    await alice.notices.get_by_role("button", name="Undo").click()
    await choose(alice, "help", "Delete")
    await alice.page.clock.fast_forward(11_000)
    await expect(other.notices).to_contain_text("“help” was deleted.")
    await expect(other.page.get_by_role("heading", level=1)).to_have_text("hello")
    await expect(other.message).to_have_value("half a thought")
    await expect(row(other, "help")).to_have_count(0)
    await other.send.click()
    await expect(alice.conversation.locator(".bubble").last).to_have_text("half a thought")


async def test_a_chat_whose_answer_runs_is_deleted_in_the_other_tab(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("404")
    await alice.ask("Run a marathon")
    await alice.approve("run_marathon")
    await expect(alice.call("run_marathon")).to_contain_text("25%")
    other = await second_tab(alice)
    await other.page.clock.install()
    await choose(other, "Run a marathon", "Delete")
    await other.page.clock.fast_forward(11_000)
    await expect(alice.notices).to_contain_text("“Run a marathon” was deleted.")
    await expect(alice.page.locator("#empty")).to_be_visible()
    await alice.ask("hello")
    await alice.says("offline model")
    assert len(stack.playground.calls) == 1


async def test_what_is_changed_while_an_answer_runs_in_the_other_tab_waits_for_its_end(
    alice: Person, stack: Stack, script: ScriptedModel, watch: Watch
) -> None:
    watch.allow("409")
    await talk(alice, "hello")
    other = await second_tab(alice)

    async def alice_first(route: Route) -> None:
        """Let an answer begin in the first tab before the second one's command arrives."""
        stack.model.pace = 60.0
        await alice.ask("help")
        await route.continue_()

    async def answer_ends(tab: Person) -> None:
        await expect(tab.notices).to_contain_text("An answer is being written")
        await tab.notices.get_by_role("button", name="Dismiss").click()
        stack.model.pace = 0.0
        await alice.stop.click()
        await tab.finished()

    await other.page.route("**/regenerate", alice_first)
    await other.page.get_by_role("button", name="Regenerate").click()
    await answer_ends(other)
    await other.page.route("**/edit", alice_first)
    await edited(other, "hello", "good morning")
    await answer_ends(other)
    await other.page.unroute("**/edit")
    script.will(says("Good morning, too."))
    await other.page.get_by_role("button", name="Save and ask").click()
    for tab in (alice, other):
        await expect(tab.conversation.locator(".bubble")).to_have_text(["good morning"])
        await expect(tab.answers).to_have_text(["Good morning, too."])
        await tab.finished()
