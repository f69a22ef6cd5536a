"""The page by keyboard alone."""

import re

from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.test_chats import row, talk

DICE = "Please generate a random number between 1 and 6"
FOCUS = "document.activeElement === document.body"


async def test_the_sheet_of_shortcuts_opens_by_key_and_the_single_key_can_be_turned_off(
    alice: Person,
) -> None:
    sheet = alice.page.get_by_role("dialog", name="Keyboard shortcuts")
    await alice.message.press("?")
    await expect(sheet).to_be_hidden()
    await expect(alice.message).to_have_value("?")
    await alice.message.fill("")
    await alice.page.keyboard.press("Control+/")
    await expect(sheet).to_be_visible()
    await sheet.get_by_role("checkbox").uncheck()
    await alice.page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await alice.page.get_by_role("button", name="New chat", exact=True).focus()
    await alice.page.keyboard.press("?")
    await expect(sheet).to_be_hidden()
    await alice.page.keyboard.press("Control+/")
    await sheet.get_by_role("checkbox").check()
    await alice.page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await alice.page.get_by_role("button", name="New chat", exact=True).focus()
    await alice.page.keyboard.press("?")
    await expect(sheet).to_be_visible()


async def test_keys_lead_to_the_search_and_to_a_new_chat(alice: Person) -> None:
    await alice.page.keyboard.press("Control+k")
    await expect(alice.page.get_by_role("searchbox", name="Search chats")).to_be_focused()
    await alice.ask("hello")
    await alice.says("Hello")
    before = alice.page.url
    await alice.page.keyboard.press("Control+Shift+O")
    await expect(alice.page).not_to_have_url(before)


async def test_a_key_decides_only_where_the_focus_is(alice: Person) -> None:
    await alice.ask(DICE)
    call = alice.call("get_random_number")
    await expect(call.get_by_role("button", name="Approve")).to_be_visible()
    await alice.message.focus()
    await alice.page.keyboard.press("Alt+y")
    await expect(call).to_be_focused()
    await expect(call).to_have_attribute("data-status", "proposed")
    await alice.page.keyboard.press("Enter")
    await expect(call).to_have_attribute("data-status", "proposed")
    await alice.page.keyboard.press("Alt+y")
    await expect(call).to_have_attribute("data-status", "done")
    await expect(alice.message).to_be_focused()


async def test_a_decision_moves_the_focus_to_the_next_that_waits_and_never_to_the_body(alice: Person) -> None:
    await alice.ask("Generate two random numbers, then a third within the range of the first two")
    calls = alice.page.locator(".card[data-status='proposed']")
    await expect(calls).to_have_count(2)
    await alice.page.keyboard.press("Alt+j")
    await expect(calls.first).to_be_focused()
    await alice.page.keyboard.press("Alt+n")
    await expect(calls).to_have_count(1)
    await expect(calls.first).to_be_focused()
    await alice.page.keyboard.press("Alt+n")
    await expect(calls).to_have_count(0)
    await expect(alice.page.locator("body")).not_to_be_focused()


async def test_the_key_leads_on_to_what_waits_in_another_chat(alice: Person) -> None:
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_have_attribute("data-status", "proposed")
    await alice.begin_another()
    await expect(alice.page).to_have_title(re.compile(r"^\(1\) "))
    await alice.page.keyboard.press("Alt+j")
    await expect(alice.call("get_random_number")).to_be_focused()


async def test_the_keys_answer_questions_of_servers_too(alice: Person, stack: Stack) -> None:
    await alice.choose("Elicitation")
    for key, answer in (("Alt+n", "decline"), ("Alt+y", "accept")):
        await alice.ask("Do a handshake")
        await expect(alice.request()).to_be_visible()
        await alice.page.keyboard.press("Alt+j")
        await expect(alice.request()).to_be_focused()
        await alice.page.keyboard.press(key)
        await alice.says(answer)
    assert [answer.action for answer in stack.playground.answers] == ["decline", "accept"]
    await alice.ask(DICE)
    await expect(alice.request()).to_be_visible()
    await alice.page.keyboard.press("Alt+j")
    await alice.page.keyboard.press("Escape")
    await alice.finished()
    await expect(alice.request()).to_have_count(0)


async def test_what_is_taken_away_gives_the_focus_on(alice: Person) -> None:
    page = alice.page
    await alice.choose("Elicitation")
    await alice.notices.get_by_role("button", name="Dismiss").focus()
    await page.keyboard.press("Enter")
    await expect(alice.message).to_be_focused()
    await page.locator("#file-input").set_input_files(
        {"name": "a.md", "mimeType": "text/markdown", "buffer": b"# A"}
    )
    await page.get_by_role("button", name="Remove a.md").focus()
    await page.keyboard.press("Enter")
    await expect(alice.message).to_be_focused()
    await alice.choose("Manual")
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_be_visible()
    await page.locator("#file-input").set_input_files(
        {"name": "b.md", "mimeType": "text/markdown", "buffer": b"# B"}
    )
    await page.get_by_role("button", name="Remove b.md").focus()
    await page.keyboard.press("Enter")
    await expect(alice.call("get_random_number")).to_be_focused()
    await page.get_by_role("heading", level=1).click()  # who turns away herself is left alone
    await page.evaluate("document.querySelector('#conversation-content').append(document.createElement('p'))")
    assert await page.evaluate(FOCUS)


async def test_a_key_leads_to_what_waits_in_another_chat(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await expect(card).to_be_visible()
    await alice.begin_another()
    await expect(alice.page.get_by_title("1 needs your decision")).to_be_visible()
    await alice.page.keyboard.press("Alt+j")
    await expect(card).to_be_visible()
    await alice.page.keyboard.press("Alt+j")
    await expect(card).to_be_focused()


async def test_arrow_up_in_the_empty_box_edits_the_last_message_and_escape_leaves_it(alice: Person) -> None:
    editor = alice.page.get_by_role("textbox", name="What you said")
    await alice.message.press("ArrowUp")
    await expect(alice.message).to_be_focused()
    for words in ("good morning", "good evening"):
        await alice.ask(words)
        await alice.finished()
    await alice.message.fill("half a thought")
    await alice.message.press("ArrowUp")
    await expect(editor).to_have_count(0)
    await alice.message.fill("")
    await alice.message.press("Shift+ArrowUp")
    await expect(editor).to_have_count(0)
    await alice.message.press("ArrowUp")
    await expect(editor).to_have_value("good evening")
    await expect(editor).to_be_focused()
    await alice.page.keyboard.press("Escape")
    await expect(editor).to_have_count(0)
    await expect(alice.message).to_be_focused()
    await alice.message.press("ArrowUp")
    await editor.fill("good night")
    await alice.message.press("ArrowUp")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("good night")
    await alice.page.get_by_role("button", name="Save and ask").click()
    await expect(alice.conversation.locator(".bubble").last).to_have_text("good night")
    await alice.page.keyboard.press("Control+/")
    sheet = alice.page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(sheet).to_contain_text("Edit your last message, when the text box is empty")


async def test_arrow_up_takes_back_the_last_message_that_waits(alice: Person) -> None:
    await alice.ask("Run a marathon")
    await expect(alice.call("run_marathon")).to_be_visible()
    for words in ("and what then?", "and after that?"):
        await alice.message.fill(words)
        await alice.message.press("Enter")
        await expect(alice.message).to_have_value("")
    waiting = alice.page.get_by_role("list", name="Messages that wait")
    await expect(waiting.get_by_role("listitem")).to_have_count(2)
    await alice.message.press("ArrowUp")
    await expect(alice.message).to_have_value("and after that?")
    await expect(waiting.get_by_role("listitem")).to_have_count(1)
    await expect(waiting).to_contain_text("and what then?")


async def test_arrows_go_from_the_search_along_the_chats_and_enter_opens_the_first(alice: Person) -> None:
    await talk(alice, "hello", "help", "hello again")
    await alice.page.keyboard.press("Control+k")
    await alice.page.keyboard.press("ArrowDown")
    await expect(row(alice, "hello again").get_by_role("link")).to_be_focused()
    await alice.page.keyboard.press("ArrowDown")
    await expect(row(alice, "help").get_by_role("link")).to_be_focused()
    await alice.page.keyboard.press("Enter")
    await expect(alice.conversation.locator(".message.user")).to_have_text(re.compile("help"))
    await alice.page.keyboard.press("Control+k")
    await alice.page.keyboard.type("again")
    await alice.page.keyboard.press("Enter")  # before the list of hits is there
    await expect(alice.conversation.locator(".message.user")).to_have_text(re.compile("hello again"))
    await expect(alice.page.locator(".chat-snippet:visible")).to_have_count(0)  # the title says it already
