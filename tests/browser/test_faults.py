"""When something fails, the page says so in words, offers what helps, and loses nothing."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import expect
from tests.browser.accessibility import assert_accessible
from tests.browser.looks import check_in_every_look
from tests.browser.person import ALICE, Person
from tests.browser.stack import Service, Stack
from tests.browser.watch import Watch
from tests.support.keyed import keyed_server
from tests.webclient.guarded import Door, guarded_app

from mcpsecurity.localcloud.openai import ModelFault

DICE = "Please generate a random number between 1 and 6"

PING_MS = 40_000
"""A page that is looked at has its servers pinged every 15 s; one may take 10 s to be given up."""


async def test_a_busy_model_is_retried_after_the_wait_it_asks_for(alice: Person, stack: Stack) -> None:
    stack.model.faults.upcoming.extend([ModelFault.rate_limit(3)] * 4)
    await alice.ask("hello")
    failure = alice.page.get_by_role("group", name="No answer")
    again = failure.get_by_role("button", name="Try again")
    await expect(again).to_have_text(re.compile(r"Try again in \d s"))
    stack.model.faults.upcoming.clear()
    await assert_accessible(alice.page)
    await expect(again).to_have_text("Try again")
    await again.click()
    await alice.says("offline model")
    await expect(failure).to_have_count(0)


async def test_a_filtered_prompt_is_said_to_be_filtered(alice: Person, stack: Stack) -> None:
    stack.model.faults.upcoming.append(ModelFault.content_filter())
    await alice.ask("hello")
    await expect(alice.page.get_by_role("group", name="No answer")).to_contain_text(
        re.compile("filter", re.IGNORECASE)
    )


async def test_a_model_that_cannot_be_reached_can_be_tried_again(alice: Person, stack: Stack) -> None:
    stack.model.faults.down = True
    await alice.ask("hello")
    failure = alice.page.get_by_role("group", name="No answer")
    await expect(failure).to_be_visible(timeout=30_000)
    stack.model.faults.down = False
    await failure.get_by_role("button", name="Try again").click()
    await alice.says("offline model")


async def test_a_tool_error_is_shown_on_its_card_and_told_by_the_model(alice: Person) -> None:
    await alice.ask("Cause an explosion")
    await alice.approve("cause_explosion")
    card = alice.call("cause_explosion")
    await expect(card).to_contain_text("Failed")
    await expect(card).to_contain_text("The powder was wet.")
    await alice.says("problem")


async def test_a_server_that_is_down_is_shown_while_the_rest_works(alice: Person, stack: Stack) -> None:
    await stack.other_mcp.stop()
    try:
        await alice.begin_another()
        await alice.ask(DICE)
        servers = alice.page.get_by_role("button", name="MCP servers")
        await expect(servers).to_contain_text("playground unavailable", timeout=PING_MS)
        await servers.click()
        first = alice.page.locator("#servers-list > li").first  # the others' tools would hide it
        await expect(first).to_contain_text("playground")
        await expect(first).to_contain_text("It is tried again")
        await alice.page.keyboard.press("Escape")
        await alice.approve("get_random_number")
        await alice.says(r"\b[1-6]\b")
    finally:
        await stack.other_mcp.start()


async def test_a_server_that_refuses_the_sign_in_offers_one_and_the_conversation_goes_on(
    alice_with: Callable[..., Awaitable[Person]], stack: Stack
) -> None:
    door = Door(shut=True)
    refusing = Service(lambda: guarded_app(stack.playground, door))
    address = f"http://localhost:{refusing.port}/mcp"
    server = {"name": "playground", "url": address, "scope": stack.cloud.scope}
    await refusing.start()
    try:
        alice = await alice_with(more_servers=(server,))
        await alice.ask(DICE)
        await alice.approve("get_random_number")
        await alice.says(r"\b[1-6]\b")
        servers = alice.page.get_by_role("button", name="MCP servers")
        await expect(servers).to_contain_text("playground needs a sign-in", timeout=PING_MS)
        await servers.click()
        door.shut = False
        await alice.page.get_by_role("link", name="Sign in for playground").click()
        await alice.sign_in_again()
        await expect(alice.conversation.locator(".message.user")).to_contain_text(DICE)
        await expect(servers).to_have_attribute("data-status", "ready", timeout=PING_MS)
        await alice.ask("Paint a painting")
        await alice.approve("paint_painting")
        await expect(servers).to_have_attribute("data-status", "ready")
    finally:
        await refusing.stop()


async def test_a_server_for_which_the_chat_has_no_token_offers_no_sign_in(
    alice_with: Callable[..., Awaitable[Person]], stack: Stack
) -> None:
    refusing = Service(lambda: guarded_app(stack.playground, Door(shut=True)))
    await refusing.start()
    try:
        server = {"name": "playground", "url": f"http://localhost:{refusing.port}/mcp"}
        alice = await alice_with(more_servers=(server,))
        servers = alice.page.get_by_role("button", name="MCP servers")
        await expect(servers).to_contain_text("playground needs a sign-in", timeout=PING_MS)
        await servers.click()
        menu = alice.page.locator("#servers-menu")
        await expect(menu).to_contain_text("Wants a sign-in that this chat does not have")
        await expect(menu.get_by_role("link", name="Sign in for playground")).to_have_count(0)
    finally:
        await refusing.stop()


async def test_a_server_that_refuses_the_operators_key_is_said_to_and_offers_no_sign_in(
    alice_with: Callable[..., Awaitable[Person]],
) -> None:
    async with keyed_server() as refusing:
        server = {"name": "wiki", "url": refusing.url, "headers": {"X-Api-Key": "sk-wrong-0815"}}
        alice = await alice_with(more_servers=(server,))
        servers = alice.page.get_by_role("button", name="MCP servers")
        await expect(servers).to_contain_text("wiki refuses its key", timeout=PING_MS)
        await servers.click()
        menu = alice.page.locator("#servers-menu")
        await expect(menu).to_contain_text("Refuses the key that the operator has set")
        await menu.get_by_text("Details").click()
        await expect(menu).to_contain_text("Only the operator of the chat can change it; no sign-in helps.")
        await expect(menu.get_by_role("link")).to_have_count(0)
        assert "sk-wrong-0815" not in await alice.page.content()
        await alice.ask(DICE)
        await expect(alice.page.get_by_role("button", name="Approve", exact=True)).to_be_visible()


async def test_an_ended_session_keeps_the_draft_over_the_next_sign_in(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("401")
    await alice.message.fill("a thought that must not be lost")
    await alice.page.context.clear_cookies()
    await alice.mode.select_option("elicitation")
    ended = alice.page.get_by_role("alert").filter(has_text="session has ended")
    await expect(ended).to_be_visible()
    await expect(alice.send).to_have_attribute("aria-disabled", "true")
    await check_in_every_look(ended)
    await ended.get_by_role("link", name="Sign in again").click()
    await alice.sign_in_again()
    await expect(alice.message).to_have_value("a thought that must not be lost")


async def test_an_answer_can_be_asked_for_again(alice: Person) -> None:
    await alice.ask("hello")
    await alice.says("offline model")
    await alice.page.get_by_role("button", name="Regenerate").click()
    await alice.says("offline model")
    await expect(alice.answers).to_have_count(1)
    await expect(alice.conversation.locator(".message.user")).to_have_count(1)


async def test_tokens_that_end_in_mid_chat_cost_neither_the_draft_nor_the_conversation(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow(r"401 \(Unauthorized\) \(\S+/api/chats\)")  # the list may be read while the session ends
    await alice.ask("hello")
    await alice.says("offline model")
    await stack.cloud.tenant.rotate_keys()
    stack.cloud.tenant.drop_keys()
    stack.cloud.tenant.revoke_refresh_tokens(ALICE)
    await stack.restart_mcp()
    await alice.ask(DICE)
    await alice.approve("get_random_number")
    ended = alice.page.get_by_role("alert").filter(has_text="session has ended")
    await expect(ended).to_be_visible()
    await alice.message.fill("a thought that must not be lost")
    await ended.get_by_role("link", name="Sign in again").click()
    await alice.sign_in_again()
    await expect(alice.message).to_have_value("a thought that must not be lost")
    await expect(alice.conversation.locator(".message.user")).to_have_text(
        [re.compile("hello"), re.compile(DICE)]
    )
    await alice.message.fill("")
    await alice.ask(DICE)
    await alice.approve("get_random_number", 1)
    await alice.says(r"\b[1-6]\b")


async def test_tokens_that_are_refused_once_are_replaced_without_a_word(alice: Person, stack: Stack) -> None:
    await alice.ask("hello")
    await alice.says("offline model")
    await stack.cloud.tenant.rotate_keys()
    stack.cloud.tenant.drop_keys()
    await stack.restart_mcp()
    await alice.ask(DICE)
    await alice.approve("get_random_number")
    await alice.says(r"\b[1-6]\b")


async def test_our_server_goes_down_in_mid_chat_and_comes_back(alice: Person, stack: Stack) -> None:
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_contain_text("Needs your decision")
    await stack.mcp.stop()
    try:
        await alice.approve("get_random_number")
        await expect(alice.call("get_random_number")).to_contain_text("Failed")
        await expect(alice.call("get_random_number")).to_contain_text("Secure MCP server: ")
        await alice.finished()
        servers = alice.page.get_by_role("button", name="MCP servers")
        await expect(servers).to_contain_text("unavailable")
    finally:
        await stack.mcp.start()
    await expect(servers).to_have_attribute("data-status", "ready", timeout=PING_MS)
    await alice.ask(DICE)
    await alice.approve("get_random_number", 1)
    await alice.says(r"\b[1-6]\b")


async def test_a_restarted_chat_asks_to_sign_in_and_keeps_the_draft(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("ERR_|Failed to load resource|401|INCOMPLETE")
    await alice.message.fill("a thought that must not be lost")
    await stack.web.stop()
    await stack.web.start()
    ended = alice.page.get_by_role("alert").filter(has_text="session has ended")
    await expect(ended).to_be_visible()
    await expect(alice.page.locator("#connection")).to_be_hidden()  # the notice says what to do
    await ended.get_by_role("link", name="Sign in again").click()
    await alice.sign_in_again()
    await expect(alice.message).to_have_value("a thought that must not be lost")
