"""A conversation goes on through reloads, dropped connections, several tabs and restarted servers."""

import re

from playwright.async_api import Route, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch

DICE = "Please generate a random number between 1 and 6"


async def test_reloading_while_an_answer_streams_shows_all_of_it(alice: Person, stack: Stack) -> None:
    stack.model.pace = 0.05
    await alice.ask("hello")
    await expect(alice.answers).to_contain_text("offline model")
    await alice.page.reload()
    await alice.ready()
    stack.model.pace = 0.0
    await alice.finished()
    await expect(alice.answers).to_have_count(1)
    text = await alice.answers.inner_text()
    assert text.count("offline model") == 1
    await alice.page.reload()
    await alice.ready()
    assert await alice.answers.inner_text() == text


async def test_an_approval_survives_a_reload(alice: Person) -> None:
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_contain_text("Needs your decision")
    await alice.page.reload()
    await alice.approve("get_random_number")
    await alice.says(r"\b[1-6]\b")


async def test_an_open_form_survives_a_reload(alice: Person, stack: Stack) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Do a handshake")
    await expect(alice.request()).to_be_visible()
    await alice.page.reload()
    await expect(alice.mode).to_have_value("elicitation")
    await alice.answer("Approve")
    await alice.says("accept")
    assert [answer.action for answer in stack.playground.answers] == ["accept"]


async def test_what_happens_while_the_network_is_down_is_made_up_for(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED|net::ERR|Failed to load resource")
    await alice.ask("Run a marathon")
    await alice.approve("run_marathon")
    await expect(alice.call("run_marathon")).to_contain_text("25%")
    await stack.cut_streams()
    stack.playground.proceed.set()
    await alice.says("The marathon is over")
    await expect(alice.calls("run_marathon")).to_have_count(1)


async def test_a_message_waits_for_an_answer_that_its_page_has_not_heard_of(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("net::ERR|Failed to load resource")
    other = Person(await alice.page.context.new_page(), alice.url)
    await other.page.goto(alice.page.url)
    await other.ready()
    await alice.page.route("**/events", lambda route: route.abort())
    await stack.cut_streams()
    await expect(alice.page.locator("#connection.lost")).to_be_visible()
    await other.ask("Run a marathon")
    await expect(other.call("run_marathon").get_by_role("button", name="Approve")).to_be_visible()
    await alice.message.fill("and then?")
    await alice.message.press("Enter")
    await expect(alice.message).to_have_value("")
    await expect(other.page.get_by_role("list", name="Messages that wait")).to_contain_text("and then?")


async def test_two_tabs_show_the_same_and_the_first_answer_wins(alice: Person, watch: Watch) -> None:
    watch.allow("409")
    other = Person(await alice.page.context.new_page(), alice.url)
    await other.page.goto(alice.page.url)
    await other.ready()
    await alice.ask(DICE)
    card = other.call("get_random_number")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()

    async def alice_first(route: Route) -> None:
        await alice.decline("get_random_number")
        await expect(alice.call("get_random_number")).to_contain_text("Declined")
        await route.continue_()

    await other.page.route("**/decision", alice_first)
    await other.approve("get_random_number")
    await expect(other.notices).to_contain_text(re.compile("already", re.IGNORECASE))  # for seven seconds
    await expect(card).to_contain_text("Declined")
    await other.says("declined")


async def test_the_mcp_server_is_restarted_and_the_chat_goes_on(alice: Person, stack: Stack) -> None:
    await alice.ask(DICE)
    await alice.approve("get_random_number")
    await alice.says(r"\b[1-6]\b")
    await stack.restart_mcp()
    await alice.ask(DICE)
    await alice.approve("get_random_number", 1)
    await expect(alice.call("get_random_number", 1)).to_contain_text("Done")
    await alice.finished()


async def test_conversations_are_listed_and_kept_apart(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    await alice.begin_another()
    await expect(alice.conversation.locator(".message")).to_have_count(0)
    await alice.page.get_by_role("navigation", name="Chats").get_by_role("link", name="hello").click()
    await alice.ready()
    await expect(alice.conversation.locator(".message.user")).to_have_text(re.compile("hello"))


async def test_a_conversation_is_renamed_and_deleted(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    options = alice.page.get_by_role("button", name="Chat menu")
    await options.click()
    await alice.page.get_by_role("button", name="Rename").click()
    await alice.page.get_by_label("Title").fill("Greetings")
    await alice.page.keyboard.press("Enter")
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("Greetings")
    link = alice.page.get_by_role("navigation", name="Chats").get_by_role("link", name="Greetings")
    await expect(link).to_be_visible()
    await options.click()
    await alice.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(link).to_have_count(0)
