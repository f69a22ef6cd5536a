"""The page shows versions, waiting messages and the tools, and lets the person choose."""

import re

from playwright.async_api import expect
from tests.browser.person import Person


async def test_a_message_is_edited_and_both_versions_can_be_seen(alice: Person) -> None:
    await alice.ask("hello there")
    await alice.says("offline model")
    page = alice.page
    message = page.locator(".message.user").filter(has_text="hello there")
    await message.hover()
    await message.get_by_role("button", name="Edit message").click()
    box = page.get_by_role("textbox", name="What you said")
    await box.fill("good morning")
    await page.get_by_role("button", name="Save and ask").click()
    bubbles = alice.conversation.locator(".bubble")
    await expect(bubbles).to_have_text(["good morning"])
    await expect(page.get_by_text("2 of 2").first).to_be_visible()
    await page.get_by_role("button", name="Version before").first.click()
    await expect(bubbles).to_have_text(["hello there"])
    await expect(page.get_by_text("1 of 2").first).to_be_visible()
    await page.get_by_role("button", name="Good answer").last.click()
    await page.reload()
    await expect(page.get_by_role("button", name="Good answer").last).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(page.get_by_text("1 of 2").first).to_be_visible()


async def test_what_is_written_meanwhile_waits_and_can_be_taken_back(alice: Person) -> None:
    await alice.ask("Run a marathon")
    await expect(alice.call("run_marathon")).to_be_visible()
    page = alice.page
    await page.get_by_role("textbox", name="Message").fill("and what then?")
    await page.keyboard.press("Enter")
    waiting = page.get_by_role("list", name="Messages that wait")
    await expect(waiting).to_contain_text("and what then?")
    await page.reload()
    await expect(waiting).to_contain_text("and what then?")
    await waiting.get_by_role("button", name="Take back").click()
    await expect(waiting).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("and what then?")


async def test_the_list_of_tools_says_what_they_do_and_turns_them_off(alice: Person) -> None:
    page = alice.page
    await page.get_by_role("button", name="Chat menu").click()
    await page.get_by_role("button", name="Tools", exact=True).click()
    dialog = page.get_by_role("dialog", name="Tools of this chat")
    await dialog.get_by_role("searchbox").fill("marathon")
    await expect(dialog.get_by_text("Marathon", exact=True)).to_be_visible()
    await dialog.get_by_text("Marathon", exact=True).click()
    await expect(dialog.get_by_text(re.compile("kilometres"))).to_be_visible()
    await dialog.get_by_role("switch", name="Use Marathon").uncheck()
    await dialog.get_by_role("button", name="Close").click()
    await alice.ask("Run a marathon")
    await expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
    await expect(page.get_by_role("group", name="Tool call run_marathon")).to_have_count(0)
