"""A call sends what its person saw before; destructive calls take two steps; she has time to decide."""

import itertools
import re
import time

from playwright.async_api import expect
from tests.browser.accessibility import assert_accessible
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.support.eventually import eventually

from mcpsecurity.localcloud.openai import Turn
from mcpsecurity.localcloud.openai.offline import Reply, ToolCall
from mcpsecurity.testing import ScriptedModel, calls, says

DICE = "Please generate a random number between 1 and 6"
LONG_MOMENT = """() => {
  const timeout = window.setTimeout;
  window.setTimeout = (act, ms, ...more) => timeout(act, ms === 500 ? 60_000 : ms, ...more);
}"""
"""Two taps of a slow machine count as a double tap."""


async def test_defaults_are_shown_and_not_sent(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    card = alice.call("run_marathon")
    await expect(card.get_by_role("row", name="kilometres 4 (default)")).to_be_visible()
    await expect(card).to_contain_text("playground does not say whether this tool reads, changes or deletes.")
    await card.get_by_role("button", name="Raw JSON").click()
    await expect(card.locator("pre.raw")).to_have_text("{}")
    stack.playground.proceed.set()
    await alice.approve("run_marathon")
    await alice.says("The marathon is over")


async def test_a_running_call_unfolds_and_stays_so_when_it_has_ended(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    await alice.approve("run_marathon")
    card = alice.call("run_marathon")
    await expect(card).to_contain_text("Running hard")
    line, row = card.locator("summary"), card.get_by_role("row", name="kilometres 4 (default)")
    await expect(row).to_be_hidden()
    await line.focus()
    await line.press("Enter")
    await expect(row).to_be_visible()
    stack.playground.proceed.set()
    await alice.says("The marathon is over")
    await expect(card).to_contain_text("Done")
    await expect(row).to_be_visible()
    await expect(card.get_by_role("heading", name="Result")).to_be_visible()
    await expect(line).to_be_focused()


async def test_a_call_that_was_unfolded_is_still_to_be_seen_when_many_fold_into_one_line(
    alice: Person, stack: Stack
) -> None:
    dice = ToolCall("Tools-get_random_number", '{"min": 1, "max": 7}')
    stack.model.script.turns.append(
        Turn(Reply("", calls=(dice,) * 3 + (ToolCall("playground-run_marathon", "{}"),)))
    )
    await alice.ask("Do a lot")
    await alice.page.get_by_role("button", name="Approve all").click()
    card = alice.call("get_random_number", 1)
    await card.locator("summary").click()
    row = card.get_by_role("table", name="Arguments").get_by_role("row", name="min 1")
    await expect(row).to_be_visible()
    await expect(alice.call("run_marathon")).to_contain_text("Running hard")
    stack.playground.proceed.set()
    await alice.finished()
    await expect(alice.conversation.get_by_text("4 calls")).to_be_visible()
    await expect(row).to_be_visible()


async def test_an_edit_shows_what_will_be_sent_before_it_is(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("min").fill("3")
    await card.get_by_label("max").fill("")
    sent = card.get_by_role("table", name="What will be sent")
    await expect(sent.get_by_role("row", name="min 3 (changed)")).to_be_visible()
    await expect(sent.get_by_role("row", name="max 100 (default)")).to_be_visible()
    await card.get_by_role("button", name="Approve with changes").click()
    await expect(card).to_contain_text("with your changes")
    await card.locator("summary.card-line").click()
    await expect(card.get_by_role("row", name="max 100", exact=True)).to_be_visible()


async def test_what_may_destroy_takes_a_second_step_and_is_never_allowed_for_good(
    alice: Person, stack: Stack
) -> None:
    await alice.ask("Demolish the house")
    card = alice.call("demolish_house")
    await expect(card.get_by_text("Deletes", exact=True)).to_be_visible()
    await expect(card).to_contain_text("according to playground")
    await expect(card.get_by_role("checkbox", name="Don't ask again")).to_have_count(0)
    await alice.approve("demolish_house")
    await expect(card.get_by_role("button", name="Go back")).to_be_focused()
    assert stack.playground.calls == []
    await card.get_by_role("button", name="Go back").click()
    await expect(card.get_by_role("button", name="Approve", exact=True)).to_be_focused()
    await alice.approve("demolish_house")
    await card.get_by_role("button", name="Approve and run").click()
    await alice.says("house is gone")
    assert stack.playground.calls == [("demolish_house", {"street": "Elm Street"})]


async def test_a_call_that_has_ended_is_one_line_that_unfolds(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await alice.approve("get_random_number")
    await alice.finished()
    await expect(card.locator(".card-line")).to_contain_text(re.compile(r"Random number – min 1, max \d"))
    await expect(card.get_by_role("row", name="min 1").first).to_be_hidden()
    box = await card.bounding_box()
    assert box is not None
    assert box["height"] < 60
    await card.locator("summary.card-line").click()
    await expect(card.get_by_role("row", name="min 1").first).to_be_visible()


async def test_more_time_moves_the_deadline_and_typing_does_by_itself(alice_in_a_hurry: Person) -> None:
    person = alice_in_a_hurry
    await person.ask(DICE)
    card = person.call("get_random_number")
    async with person.page.expect_response("**/more-time") as more:
        await card.get_by_role("button", name="More time").click()
    deadline = (await (await more.value).json())["expires_at"]
    await card.get_by_role("button", name="Edit arguments").click()
    numbers = itertools.count(-99)
    while time.time() <= deadline:  # each answer gives it as long again
        async with person.page.expect_response("**/more-time") as more:
            await card.get_by_label("min").fill(str(next(numbers)))
        assert (await more.value).status == 202
    await card.get_by_role("button", name="Approve with changes").click()
    await expect(card).to_contain_text("Done")


async def test_what_was_typed_outlives_a_reload_until_it_is_sent(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    await alice.request().get_by_label("Name").fill("Ada")
    await alice.request().get_by_role("group", name="Hobbies").get_by_label("Chess").check()
    await alice.page.reload()
    await expect(alice.request().get_by_label("Name")).to_have_value("Ada")
    await expect(alice.request().get_by_label("Chess")).to_be_checked()
    await alice.answer("Decline")
    await alice.finished()
    forgotten = "!Object.keys(sessionStorage).some((key) => key.startsWith('typed'))"
    await eventually(lambda: alice.page.evaluate(forgotten))  # its command may be answered last


async def test_an_edit_outlives_a_reload(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("min").fill("-7")
    await alice.page.reload()
    await expect(card.get_by_label("min")).to_have_value("-7")
    await expect(card.get_by_role("button", name="Approve with changes")).to_be_visible()


async def test_a_question_that_expired_is_asked_again_filled_in(alice_in_a_hurry: Person) -> None:
    person = alice_in_a_hurry
    await person.choose("Elicitation")
    await person.ask("Fill in a survey")
    await person.request().get_by_label("Name").fill("Ada")
    await expect(person.conversation).to_contain_text("Expired: there was no answer in time")
    await person.finished()
    await assert_accessible(person.page)
    await person.conversation.get_by_role("button", name="Ask again").click()
    await expect(person.request().get_by_label("Name")).to_have_value("Ada")


async def test_an_offer_to_narrow_a_chat_again_goes_with_the_chat(alice: Person) -> None:
    undo = alice.notices.get_by_role("button", name="Undo")
    await alice.ask("hello")
    await alice.choose("Elicitation")
    await expect(undo).to_be_visible()
    await alice.choose("Manual")
    await expect(undo).to_be_hidden()
    await alice.choose("Elicitation")
    await expect(undo).to_be_visible()
    await alice.begin_another()
    await expect(undo).to_be_hidden()


async def test_a_form_of_one_approval_is_two_buttons(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask(DICE)
    request = alice.request()
    await expect(request).to_have_accessible_name("Request from Secure MCP server")
    await expect(request.get_by_role("checkbox")).to_have_count(0)
    await expect(request.locator(".decide").get_by_role("button")).to_have_text(["Decline", "Approve"])
    await alice.answer("Approve")
    await alice.says(r"\b[1-6]\b")


async def test_several_calls_are_not_approved_at_once_if_one_may_destroy(
    alice: Person, script: ScriptedModel, stack: Stack
) -> None:
    dice = ToolCall("Tools-get_random_number", {"min": 1, "max": 7})
    script.will(calls("playground-demolish_house", "{}", dice), says("Nothing was done."))
    await alice.ask("Do both")
    bar = alice.page.get_by_role("group", name="All waiting calls")
    await expect(bar.get_by_role("button", name="Decline all")).to_be_visible()
    await expect(bar.get_by_role("button", name="Approve all")).to_be_hidden()
    await bar.get_by_role("button", name="Decline all").click()
    await alice.says("Nothing was done")
    assert stack.playground.calls == []


async def test_the_focus_goes_to_the_next_that_waits(alice: Person) -> None:
    await alice.ask("Please generate 2 random numbers")
    await alice.call("get_random_number", 0).get_by_role("button", name="Decline").focus()
    await alice.page.keyboard.press("Enter")
    await expect(alice.call("get_random_number", 1)).to_be_focused()
    await alice.call("get_random_number", 1).get_by_role("button", name="Decline").focus()
    await alice.page.keyboard.press("Enter")
    await expect(alice.message).to_be_focused()


async def test_letting_servers_ask_is_confirmed_and_can_be_undone(alice: Person) -> None:
    await alice.choose("Elicitation")
    await expect(alice.notices).to_contain_text("tools run without asking you in this chat")
    await expect(alice.page.locator("#mode-meaning")).to_contain_text("Tools run without asking here")
    async with alice.page.expect_response(re.compile(r"/mode$")):
        await alice.notices.get_by_role("button", name="Undo").click()
    await expect(alice.mode).to_have_value("manual")
    await expect(alice.page.locator("#mode-meaning")).to_contain_text("Nothing runs until you approve it")


async def test_errors_are_counted_and_go_when_they_are_corrected(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    form = alice.request()
    await expect(form.get_by_text("0 to 20")).to_be_visible()
    await alice.answer("Send answer")
    await expect(form.get_by_text("5 fields need attention.")).to_be_visible()
    await form.get_by_label("Name").fill("Ada")
    await expect(form.get_by_text("4 fields need attention.")).to_be_visible()
    await expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "false")


async def test_many_ended_calls_are_one_line(alice: Person) -> None:
    await alice.ask("Please generate 4 random numbers")
    await alice.page.get_by_role("button", name="Approve all").click()
    await alice.finished()
    await expect(alice.page.locator(".call-group > summary")).to_contain_text("4 calls")
    await expect(alice.call("get_random_number", 0)).to_be_hidden()
    await alice.page.locator(".call-group > summary").click()
    await expect(alice.call("get_random_number", 3)).to_be_visible()


async def test_many_calls_of_which_none_was_made_are_not_ticked_off(alice: Person) -> None:
    await alice.ask("Please generate 4 random numbers")
    await alice.page.get_by_role("button", name="Decline all").click()
    await alice.finished()
    line = alice.page.locator(".call-group > summary")
    await expect(line).to_contain_text("all declined")
    await expect(line.locator(".icon-close")).to_be_visible()


async def test_a_chart_stays_in_view_with_its_answer(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 1000, "height": 640})
    await alice.ask("Read the ledger")
    await expect(alice.call("read_ledger").get_by_text("Reaches outside")).to_be_visible()
    await alice.approve("read_ledger")
    await alice.finished()
    drawn = alice.call("read_ledger").get_by_role("img", name="Chart of amount over day: 100 points")
    await expect(drawn).to_be_in_viewport(ratio=1)
    await alice.page.get_by_role("button", name="Go to the newest").click()
    await expect(drawn).not_to_be_in_viewport()


async def test_a_double_tap_does_not_run_what_deletes_without_its_second_step(
    alice: Person, stack: Stack
) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 640})
    await alice.page.evaluate(LONG_MOMENT)
    await alice.ask("Demolish the house")
    card = alice.call("demolish_house")
    approve = card.get_by_role("button", name="Approve", exact=True)
    await approve.scroll_into_view_if_needed()
    box = await approve.bounding_box()
    assert box is not None
    where = box["x"] + box["width"] / 2, box["y"] + 6
    for click_count in (1, 2):
        await alice.page.mouse.click(*where, click_count=click_count)
    second = await card.get_by_role("button", name="Approve and run").bounding_box()
    assert second is not None
    assert second["x"] < where[0] < second["x"] + second["width"]  # it lies where the first one was
    assert second["y"] < where[1] < second["y"] + second["height"]
    await expect(card.get_by_role("button", name="Approve and run")).to_be_visible()
    assert stack.playground.calls == []
    await card.get_by_role("button", name="Approve and run").press("Enter")
    await alice.says("gone")
    assert [name for name, _ in stack.playground.calls] == ["demolish_house"]
