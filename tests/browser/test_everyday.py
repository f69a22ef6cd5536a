"""Small things of every day: drafts, long messages, a network that goes away, an installed page."""

import re

from playwright.async_api import expect
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch


async def test_the_button_for_prompts_keeps_what_is_being_written(alice: Person) -> None:
    await alice.message.fill("half a thought")
    await alice.page.get_by_role("button", name="Prompts").click()
    await expect(alice.page.get_by_role("listbox", name="Prompts")).to_be_visible()
    await alice.page.keyboard.press("Escape")
    await expect(alice.message).to_have_value("half a thought")
    await alice.page.get_by_role("button", name="Prompts").click()
    await alice.page.reload()
    await expect(alice.message).to_have_value("half a thought")


async def test_too_long_a_message_is_said_and_not_cut(alice: Person) -> None:
    await alice.message.fill("x" * 20_002)
    await expect(
        alice.page.get_by_text("2 characters too many: a message has at most 20,000.")
    ).to_be_visible()
    await expect(alice.send).to_be_disabled()
    assert len(await alice.message.input_value()) == 20_002
    await alice.message.fill("hello")
    await expect(alice.send).to_be_enabled()


async def test_a_long_message_folds_and_opens(alice: Person) -> None:
    await alice.ask("hello " * 1000)
    bubble = alice.conversation.locator(".bubble")
    assert await bubble.evaluate("(e) => e.offsetHeight") < 250
    await alice.page.get_by_role("button", name="Show all").click()
    assert await bubble.evaluate("(e) => e.offsetHeight") > 500
    await expect(alice.conversation.locator(".message.user time")).to_have_attribute(
        "datetime", re.compile("^20")
    )


async def test_a_network_that_is_gone_is_said_and_what_was_written_stays(alice: Person, watch: Watch) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED|net::ERR|Failed to load resource")
    await alice.page.context.set_offline(True)
    await expect(alice.page.locator("#connection")).to_have_text("You seem to be offline.")
    await alice.message.fill("hello")
    for _ in range(2):
        await alice.send.click()
        await expect(alice.send).not_to_have_attribute("aria-busy", "true")
    await expect(alice.notices.get_by_role("listitem")).to_have_count(1)
    await check_in_every_look(alice.notices.get_by_role("listitem"))
    await expect(alice.message).to_have_value("hello")
    await alice.page.context.set_offline(False)
    await expect(alice.page.locator("#connection")).to_be_hidden()
    await expect(alice.notices).to_contain_text("There was no connection, so nothing was changed.")
    await alice.notices.get_by_role("button", name="Try again").click()
    await alice.says("offline model")
    await expect(alice.message).to_have_value("")


async def test_signing_in_again_leads_back_to_the_chat(alice: Person, stack: Stack, watch: Watch) -> None:
    watch.allow("401|Failed to load resource|ERR_")
    await alice.ask("hello")
    await alice.finished()
    chat = await alice.page.locator("body").get_attribute("data-chat-id")
    await alice.page.context.clear_cookies()
    await alice.message.fill("go on")
    await alice.send.click()
    link = alice.page.get_by_role("link", name="Sign in again")
    await expect(link).to_have_attribute("href", f"/signin?next=%2Fchats%2F{chat}")


async def test_the_page_can_be_installed(alice: Person) -> None:
    address = await alice.page.locator("link[rel=manifest]").evaluate("(e) => e.href")
    answer = await alice.page.context.request.get(address)
    manifest = await answer.json()
    assert answer.headers["content-type"].startswith("application/manifest+json")
    assert (manifest["name"], manifest["display"]) == ("mcpsecurity", "standalone")
    for icon in manifest["icons"]:
        assert (await alice.page.context.request.get(alice.url + icon["src"])).ok


async def test_an_empty_page_opens_at_its_top_and_shows_the_tools(alice: Person) -> None:
    for width, height in ((375, 667), (360, 640), (1280, 800)):
        await alice.page.set_viewport_size({"width": width, "height": height})
        await alice.page.reload()
        await expect(alice.page.locator(".offer").first.get_by_text("City weather")).to_be_attached()
        assert await alice.conversation.evaluate("(e) => e.scrollTop") == 0
    await expect(alice.page.locator("#servers-summary")).to_have_text(re.compile(r"^\d+ tools$"))


async def test_the_list_of_servers_says_what_mcp_stands_for(alice: Person) -> None:
    await alice.page.get_by_role("button", name="MCP servers").click()
    menu = alice.page.get_by_role("region", name="Servers and their tools")
    await expect(menu.get_by_text("Model Context Protocol (MCP)")).to_be_visible()
