"""Tool calls are approved, declined, edited and allowed for good by the person, each exactly once."""

import re

from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch

DICE = "Please generate a random number between 1 and 6"


async def test_a_call_is_shown_as_proposed_then_running_then_done(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    card = alice.call("run_marathon")
    await expect(card).to_contain_text("Needs your decision")
    await expect(card).to_contain_text("Marathon")
    await expect(card).to_contain_text("playground")
    await alice.approve("run_marathon")
    bar = card.get_by_role("progressbar")
    await expect(card).to_contain_text("Running hard · 25%")
    assert await bar.evaluate("(bar) => bar.value / bar.max") == 0.25
    stack.playground.proceed.set()
    await expect(card).to_contain_text(re.compile(r"Done · [\d.]+ m?s"))
    await expect(bar).to_be_hidden()
    await alice.says("The marathon is over")


async def test_progress_without_a_total_is_shown_as_it_comes(alice: Person, stack: Stack) -> None:
    await alice.ask("Begin a voyage")
    await alice.approve("begin_voyage")
    card = alice.call("begin_voyage")
    await expect(card.locator(".progress-words")).to_have_text("7")
    assert await card.get_by_role("progressbar").get_attribute("value") is None
    stack.playground.proceed.set()
    await alice.says("voyage is over")


async def test_a_declined_call_never_reaches_the_server_and_the_model_goes_on(
    alice: Person, stack: Stack
) -> None:
    await alice.ask("Run a marathon")
    card = alice.call("run_marathon")
    await card.get_by_role("button", name="with a reason").click()
    await card.get_by_label("Tell the assistant why").fill("my knees")
    await alice.page.keyboard.press("Enter")
    await expect(card).to_contain_text("Declined")
    await expect(card).to_contain_text("my knees")
    await alice.says("declined")
    assert stack.playground.calls == []


async def test_approve_has_no_focus_by_itself_and_no_bare_enter_approves(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await expect(alice.message).to_be_focused()
    await alice.page.keyboard.press("Enter")
    await card.get_by_role("button", name="Edit arguments").click()
    await expect(card.get_by_label("min")).to_be_focused()
    await alice.page.keyboard.press("Enter")
    await expect(card).to_contain_text("Needs your decision")


async def test_a_double_click_runs_once(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    stack.playground.proceed.set()
    await alice.call("run_marathon").get_by_role("button", name="Approve").dblclick()
    await alice.says("The marathon is over")
    assert len(stack.playground.calls) == 1


async def test_edited_arguments_arrive(alice: Person, stack: Stack) -> None:
    await alice.ask("Run a marathon")
    card = alice.call("run_marathon")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("kilometres").fill("42")
    stack.playground.proceed.set()
    await alice.approve("run_marathon")
    await expect(card).to_contain_text("with your changes")
    await alice.says("The marathon is over")
    assert stack.playground.calls == [("run_marathon", {"kilometres": 42})]


async def test_an_edit_that_does_not_fit_is_an_error_at_its_field(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("min").fill("1.5")
    await alice.approve("get_random_number")
    await expect(card.get_by_text("Enter a whole number.")).to_be_visible()
    await expect(card.get_by_label("min")).to_be_focused()
    await card.get_by_label("min").fill("2")
    await alice.approve("get_random_number")
    await expect(card).to_contain_text("Done")


async def test_the_server_refuses_a_forged_edit(alice: Person, watch: Watch) -> None:
    watch.allow("422")
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await card.get_by_role("button", name="Edit arguments").click()
    await alice.page.route(
        "**/decision", lambda route: route.continue_(post_data=_forged(route.request.post_data))
    )
    await card.get_by_label("min").fill("2")
    await alice.approve("get_random_number")
    await expect(card.locator(".field", has_text="min").locator(".field-error")).not_to_be_empty()
    await expect(card).to_contain_text("Needs your decision")


def _forged(body: str | None) -> str:
    return (body or "").replace('"min":2', '"min":"two"')


async def test_always_allow_runs_the_next_call_unasked_until_it_is_revoked(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await card.get_by_role("checkbox", name="Don't ask again for Random number").check()
    await alice.approve("get_random_number")
    await alice.finished()
    allowed = alice.page.get_by_role("group", name="Always allowed in this chat")
    await expect(allowed).to_contain_text("get_random_number")
    await alice.ask(DICE)
    await expect(alice.call("get_random_number", 1)).to_contain_text("allowed before")
    await alice.finished()
    await allowed.get_by_role("button", name="Revoke get_random_number").click()
    await expect(allowed).to_be_hidden()
    await alice.ask(DICE)
    await expect(alice.call("get_random_number", 2).get_by_role("button", name="Approve")).to_be_visible()


async def test_what_is_always_allowed_is_the_tool_as_it_was_described(alice: Person, stack: Stack) -> None:
    stack.playground.proceed.set()
    await alice.ask("Run a marathon")
    await alice.call("run_marathon").get_by_role("checkbox", name="Don't ask again").check()
    await alice.approve("run_marathon")
    await alice.says("The marathon is over")
    await alice.ask("Publish a newspaper")
    await alice.approve("publish_newspaper")
    await alice.says("costs money")
    await alice.ask("Run a marathon")
    card = alice.call("run_marathon", 1)
    await expect(card).to_contain_text("and pay for it")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await expect(alice.page.get_by_role("group", name="Always allowed in this chat")).to_be_hidden()
    assert len(stack.playground.calls) == 1


async def test_two_calls_at_once_are_decided_one_by_one(alice: Person) -> None:
    await alice.ask("Please generate 2 random numbers")
    await expect(alice.calls("get_random_number")).to_have_count(2)
    await alice.decline("get_random_number", 1)
    await expect(alice.call("get_random_number", 1)).to_contain_text("Declined")
    await alice.approve("get_random_number", 0)
    await expect(alice.call("get_random_number", 0)).to_contain_text("Done")
    await alice.says("declined")


async def test_all_calls_that_wait_are_approved_at_once(alice: Person) -> None:
    await alice.ask("Please generate 2 random numbers")
    await alice.page.get_by_role("button", name="Approve all").click()
    for number in (0, 1):
        await expect(alice.call("get_random_number", number)).to_contain_text("Done")
    await alice.finished()
    await expect(alice.page.get_by_role("button", name="Approve all")).to_have_count(0)


async def test_arguments_are_shown_as_a_table_and_as_raw_json(alice: Person) -> None:
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await expect(card.get_by_role("row", name="min 1")).to_be_visible()
    await card.get_by_role("button", name="Raw JSON").click()
    await expect(card.locator("pre.raw")).to_contain_text(re.compile(r'"min": 1,\s+"max": 7'))
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copied = "navigator.clipboard.readText().then(JSON.parse)"
    await card.get_by_role("button", name="Copy arguments").click()
    await expect(alice.page.locator("#announcer")).to_contain_text("Copied")
    await alice.finds_copied('"max"')
    assert await alice.page.evaluate(copied) == {"min": 1, "max": 7}
    await alice.approve("get_random_number")
    await alice.finished()
    await card.locator("summary.card-line").click()
    await card.get_by_role("button", name="Copy result").click()
    await alice.finds_copied('"number"')
    assert 1 <= (await alice.page.evaluate(copied))["number"] <= 6


async def test_images_and_structured_results_are_shown(alice: Person) -> None:
    await alice.ask("Paint a painting")
    await alice.approve("paint_painting")
    image = alice.call("paint_painting").get_by_role("img", name="Image 1 from paint_painting")
    await expect(image).to_be_visible()
    assert await image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 8
    await alice.ask(DICE)
    await alice.approve("get_random_number")
    card = alice.call("get_random_number")
    await card.locator("summary.card-line").click()
    await expect(card.get_by_role("row", name=re.compile(r"^number \d"))).to_be_visible()


async def test_a_call_that_nobody_decides_expires_and_is_not_told_as_declined(
    alice_in_a_hurry: Person,
) -> None:
    await alice_in_a_hurry.ask(DICE)
    card = alice_in_a_hurry.call("get_random_number")
    await expect(card).to_contain_text(re.compile(r"expires in 0:0\d"))
    await expect(card).to_contain_text("Expired: no answer in time")
    await expect(card).not_to_contain_text("declined")
    await alice_in_a_hurry.says("it expired")
