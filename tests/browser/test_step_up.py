"""Step-up in the browser: a call waits for consent, the draft is kept, and the call goes on."""

from playwright.async_api import BrowserContext, expect
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.watch import Watch

DRAFT = "What I was about to say"
LEFT = r"status of 401 .*/api/chats\)"
"""A page that is being left may ask for the chats by the session that the sign-in has just replaced."""


async def test_consent_is_asked_for_where_the_call_stands_and_the_draft_is_kept(
    context: BrowserContext, strict_chat: str, watch: Watch
) -> None:
    watch.allow(LEFT)
    person = await Person(await context.new_page(), strict_chat).sign_in()
    page = person.page
    await person.ask("a random number")
    await person.approve("get_random_number")
    link = person.call("get_random_number").get_by_role("link", name="Sign in and go on")
    await expect(person.call("get_random_number")).to_contain_text("needs another permission")
    await person.message.fill(DRAFT)
    await check_in_every_look(link)
    await link.click()
    await expect(page.get_by_text("Read random numbers as you")).to_be_visible()
    await page.get_by_role("button", name="Accept").click()
    await person.ready()
    await expect(page.locator(".message.user")).to_have_count(1)
    await expect(person.call("get_random_number")).to_contain_text("Done")
    await expect(link).to_be_hidden()
    await expect(person.message).to_have_value(DRAFT)
    await person.finished()


async def test_another_step_at_sign_in_is_asked_for_where_the_call_stands(
    context: BrowserContext, strict_chat: str, watch: Watch
) -> None:
    watch.allow(LEFT)
    person = await Person(await context.new_page(), strict_chat).sign_in()
    await person.ask("what is the date and time?")
    await person.approve("get_current_date_time")
    link = person.call("get_current_date_time").get_by_role("link", name="Sign in and go on")
    await expect(person.call("get_current_date_time")).to_contain_text("another step at sign-in")
    await link.click()
    await person.ready()
    await expect(person.call("get_current_date_time")).to_contain_text("Done")
    await person.finished()
