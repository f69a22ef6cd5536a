"""Stop ends an answer at any moment, and the conversation goes on after it."""

from playwright.async_api import expect
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.stack import Stack


async def goes_on(person: Person) -> None:
    await person.finished()
    await person.ask("hello")
    await person.says("offline model")


async def test_stop_while_text_streams(alice: Person, stack: Stack) -> None:
    stack.model.pace = 0.05
    await alice.ask("hello")
    await expect(alice.answers).to_contain_text("Hello")
    stack.model.pace = 60.0  # the answer pauses in the middle, for as long as it is looked at
    await check_in_every_look(alice.answers)
    await alice.stop.click()
    await alice.finished()
    stopped = await alice.answers.first.inner_text()
    await expect(alice.conversation).to_contain_text("You stopped this answer")
    stack.model.pace = 0.0
    await goes_on(alice)
    assert len(stopped) < len(await alice.answers.last.inner_text())


async def test_stop_while_a_call_waits_for_approval(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    card = alice.call("run_marathon")
    await expect(card).to_contain_text("Needs your decision")
    await alice.stop.click()
    await expect(card).to_contain_text("Not run: you stopped the answer")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    await goes_on(alice)
    assert stack.playground.calls == []


async def test_stop_while_a_form_is_open(alice: Person, stack: Stack) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Do a handshake")
    await expect(alice.request()).to_be_visible()
    await alice.stop.click()
    await expect(alice.request()).to_have_count(0)
    await goes_on(alice)


async def test_escape_stops_a_running_tool(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    await alice.approve("run_marathon")
    await expect(alice.call("run_marathon")).to_contain_text("Running hard")
    await alice.message.press("Escape")
    await expect(alice.call("run_marathon")).to_contain_text("Cancelled")
    stack.playground.proceed.set()
    await goes_on(alice)
