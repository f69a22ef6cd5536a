"""A call has the approved arguments, to the last digit; an edit changes only the edited ones."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.stack import Service, Stack
from tests.webclient.oddity import Odd, tool

from mcpsecurity.testing import ScriptedModel, calls, says

BIG = 725653563933458433
LARGEST = 2**64 - 1
HUGE = 12345678901234567890123
ERRAND = "playground-do_errand"


async def _ask(alice: Person, script: ScriptedModel, arguments: str) -> None:
    script.will(calls(ERRAND, arguments), says("All done."))
    await alice.ask("Please do that")
    await expect(alice.call("do_errand")).to_contain_text("Needs your decision")


async def _approved(alice: Person, stack: Stack) -> Any:
    await alice.approve("do_errand")
    await alice.says("All done")
    ((name, arguments),) = stack.playground.calls
    assert name == "do_errand"
    return arguments


@pytest.mark.parametrize("number", [BIG, LARGEST, -BIG])
async def test_the_number_on_the_card_is_the_number_that_is_called(
    alice: Person, stack: Stack, script: ScriptedModel, number: int
) -> None:
    await _ask(alice, script, f'{{"record": {number}}}')
    card = alice.call("do_errand")
    await expect(card.get_by_role("row", name=f"record {number}")).to_be_visible()
    await card.get_by_role("button", name="Raw JSON").click()
    await expect(card.locator("pre.raw")).to_contain_text(f'"record": {number}')
    assert (await _approved(alice, stack))["record"] == number


async def test_a_number_beyond_doubles_can_be_edited(
    alice: Person, stack: Stack, script: ScriptedModel
) -> None:
    await _ask(alice, script, f'{{"record": {BIG}}}')
    card = alice.call("do_errand")
    await card.get_by_role("button", name="Edit arguments").click()
    await expect(card.get_by_label("record")).to_have_value(str(BIG))
    await card.get_by_label("record").fill(str(LARGEST))
    assert (await _approved(alice, stack))["record"] == LARGEST
    await card.locator("summary.card-line").click()
    await expect(card.get_by_role("row", name=f"record {LARGEST}").first).to_be_visible()


async def test_an_edit_leaves_the_other_arguments_as_the_model_made_them(
    alice: Person, stack: Stack, script: ScriptedModel
) -> None:
    given = {
        "record": None,
        "target": {"id": BIG, "deep": [{"id": LARGEST}, None, ""]},
        "memo": "",
        "code": "one\r\n\ttwo  \n",
        "amount": 1.0,
        "why": "spam",
    }
    await _ask(alice, script, json.dumps(given))
    card = alice.call("do_errand")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("why", exact=True).fill("fraud")
    got = await _approved(alice, stack)
    assert json.dumps(got, sort_keys=True) == json.dumps(given | {"why": "fraud"}, sort_keys=True)


async def test_an_edited_text_keeps_its_kind_of_line_breaks(
    alice: Person, stack: Stack, script: ScriptedModel
) -> None:
    await _ask(alice, script, json.dumps({"code": "one\r\ntwo"}))
    card = alice.call("do_errand")
    await card.get_by_role("button", name="Edit arguments").click()
    await card.get_by_label("code").fill("one\nthree")
    assert await _approved(alice, stack) == {"code": "one\r\nthree"}


async def test_defaults_are_shown_and_not_filled_in(
    alice: Person, stack: Stack, script: ScriptedModel
) -> None:
    await _ask(alice, script, '{"why": "spam"}')
    card = alice.call("do_errand")
    await card.get_by_role("button", name="Edit arguments").click()
    await expect(card.locator(".field", has_text="times")).to_contain_text("optional, 3 if left out")
    await expect(card.get_by_label("times")).to_have_value("")
    await card.get_by_label("why", exact=True).fill("fraud")
    assert await _approved(alice, stack) == {"why": "fraud"}


@pytest.mark.parametrize("edited", [None, HUGE + 1])
async def test_a_number_beyond_64_bits_arrives_as_it_was_approved(
    alice: Person, stack: Stack, script: ScriptedModel, edited: int | None
) -> None:
    await _ask(alice, script, f'{{"record": {HUGE}}}')
    card = alice.call("do_errand")
    if edited is not None:
        await card.get_by_role("button", name="Edit arguments").click()
        await card.get_by_label("record").fill(str(edited))
    assert (await _approved(alice, stack))["record"] == (edited or HUGE)
    await card.locator("summary.card-line").click()
    await expect(card.get_by_role("row", name=f"record {edited or HUGE}").first).to_be_visible()


class Shop(Odd):
    """A server that keeps its calls as they were sent."""

    bodies: tuple[str, ...] = ()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if "tools/call" in (body := (await request.read()).decode()):
            self.bodies += (body.replace(" ", ""),)
        return await super()._answer(request)


async def test_decimals_keep_their_digits_whether_they_are_edited_or_not(
    alice_with: Callable[..., Awaitable[Person]], script: ScriptedModel
) -> None:
    shop, long = Shop(tools={}), "0.123456789012345678901234567890"
    amount = {"amount": {"type": "number"}, "rate": {"type": "number"}}
    shop.results["tools/list"] = {"tools": [tool("pay", properties=amount)]}
    shop.results["tools/call"] = {"content": [{"type": "text", "text": "Paid."}]}
    service = Service(shop.app)
    await service.start()
    alice = await alice_with(more_servers=({"name": "shop", "url": f"http://localhost:{service.port}/mcp"},))
    script.will(calls("shop-pay", f'{{"amount": 1.10, "rate": {long}}}'), says("All done."))
    await alice.ask("Please pay")
    card = alice.call("pay")
    await expect(card.get_by_role("row", name="amount 1.10")).to_be_visible()
    await card.get_by_role("button", name="Edit arguments").click()
    await expect(card.get_by_label("rate")).to_have_value(long)
    await card.get_by_label("amount").fill("2.50")
    await alice.approve("pay")
    await alice.says("All done")
    await service.stop()
    (body,) = shop.bodies
    assert f'"arguments":{{"amount":2.50,"rate":{long}}}' in body
