"""One request gets one answer, however fast keys are pressed while the page has not heard how it ended."""

from typing import Any

import pytest
from playwright.async_api import Page

SHOW = """
async (kind) => {
  const load = (path) => import(`/static/js/${path}`);
  const until = { expires_at: Date.now() / 1000 + 60, latest_at: Date.now() / 1000 + 600 };
  const counting = { element: document.createElement("span"), update() {}, remove() {}, watch() {} };
  window.sent = [];
  window.refuses = false;
  window.reported = 0;
  const take = async (...values) => {
    window.sent.push(values.find((value) => ["approve", "decline", "accept", "cancel"].includes(value)));
    if (window.refuses) throw Object.assign(new Error("no"), { status: 503 });
  };
  const context = {
    typed: { load: () => null, save() {}, forget() {} }, countdowns: { add: () => counting },
    serverTitle: () => "Server", announce() {}, report() { window.reported += 1; },
    commands: { answer: take, decide: take, decideBatch: take, decideSampling: take },
  };
  const asked = { elicitation_id: "e", server: "s", message: "May I?", ...until };
  const call = {
    call_id: "c", batch_id: "b", tool: "t", title: "t", description: "", server: "s", arguments: {}, args_hash: "h",
    grantable: [], input_schema: {}, status: "proposed", ...until,
  };
  const made = {
    form: async () => (await load("requests/elicitation.js")).elicitationForm({ ...asked, mode: "form", fields: [] }, context).element,
    visit: async () => (await load("requests/visit.js")).visitRequest(
      { ...asked, mode: "url", url: "https://example.com/", host: "example.com" }, context).element,
    sampling: async () => (await load("requests/sampling.js")).samplingRequest(
      { sampling_id: "s", server: "s", messages: [], ...until }, context).element,
    call: async () => new (await load("tools/card.js")).ToolCard(call, context).slot,
    batch: async () => new (await load("tools/batch.js")).BatchBar(context).update([call, { ...call, call_id: "d" }])[0],
  };
  document.body.replaceChildren(await made[kind]());
}
"""  # noqa: E501
KINDS = ["form", "visit", "sampling", "call", "batch"]


@pytest.fixture(params=KINDS)
async def page(request: pytest.FixtureRequest, modules: Page) -> Page:
    """A page with one request, which the server answers at once and the page does not hear of."""
    await modules.evaluate(SHOW, request.param)
    return modules


async def sent(page: Page) -> Any:
    return await page.evaluate("sent")


async def press(page: Page, times: int) -> None:
    """Press Enter on Decline, and wait until the server has answered."""
    await page.get_by_role("button", name="Decline", exact=False).first.focus()
    for _ in range(times):
        await page.keyboard.press("Enter")
        await page.evaluate("new Promise(requestAnimationFrame)")


async def test_a_key_that_is_pressed_again_sends_nothing_more(page: Page) -> None:
    await press(page, 3)
    assert await sent(page) == ["decline"]


async def test_an_answer_that_was_refused_can_be_sent_again(page: Page) -> None:
    await page.evaluate("window.refuses = true")
    await press(page, 2)
    await page.evaluate("window.refuses = false")
    await press(page, 2)
    assert await sent(page) == ["decline"] * 3
    assert await page.evaluate("reported") == 2


async def test_another_button_does_not_answer_what_is_answered(page: Page) -> None:
    await press(page, 1)
    for button in await page.get_by_role("button").all():
        if await button.is_visible():
            await button.press("Enter")
    await page.keyboard.press("Escape")
    assert await sent(page) == ["decline"]


async def test_a_request_that_is_still_there_after_a_while_can_be_answered_again(page: Page) -> None:
    await press(page, 1)
    await page.evaluate("{ const now = performance.now(); performance.now = () => now + 10_001; }")
    await press(page, 1)
    assert await sent(page) == ["decline", "decline"]
