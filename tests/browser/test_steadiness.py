"""Nothing but the composer moves in a whole journey; five hundred messages are drawn (how soon: `-s`)."""

import re
from typing import Any

from playwright.async_api import expect
from tests.browser.person import Person

MESSAGES = 500
_DOCK = 'class="dock"'
"""The composer makes room when a decision waits, which moves its frame: the only shift there is."""

_WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 120));
    if (!hadRecentInput) window.shifts.push([value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""

# The page's snapshot has its messages and calls over and over again, as if they had been said; tells how long
# it took until they were painted.
_MANY = """
const many = (snapshot, count) => {
  const { messages, calls } = snapshot;
  const copies = Array.from({ length: Math.ceil(count / messages.length) }, (_, number) => number);
  const all = copies.flatMap((number) => messages.map((message) => ({
    ...message,
    message_id: `${message.message_id}-${number}`,
    calls: (message.calls ?? []).map((id) => `${id}-${number}`),
  })));
  snapshot.messages = all.slice(0, count);
  snapshot.calls = copies.flatMap((number) =>
    calls.map((call) => ({ ...call, call_id: `${call.call_id}-${number}` })));
};
const Source = window.EventSource;
window.EventSource = class extends Source {
  addEventListener(name, listen) {
    super.addEventListener(name, name !== "snapshot" ? listen : ({ data, lastEventId }) => {
      const event = JSON.parse(data);
      many(event.data ?? event, 500);
      const text = JSON.stringify(event);
      const begun = performance.now();
      listen(new MessageEvent(name, { data: text, lastEventId }));
      requestAnimationFrame(() => setTimeout(() => window.took(performance.now() - begun)));
    });
  }
};
"""


async def test_nothing_but_the_composer_moves_from_the_first_moment_to_the_last_answer(alice: Person) -> None:
    page = alice.page
    await page.add_init_script(_WATCH_SHIFTS)
    await page.reload()
    await alice.ready()
    await expect(page.get_by_role("button", name="MCP servers")).to_have_text(re.compile("tools"))
    await alice.ask("What is the weather in Zurich?")
    await alice.approve("get_city_weather")
    await expect(alice.call("get_city_weather")).to_contain_text("Done")
    await alice.says("Zurich")
    await alice.ask("Please generate a random number between 1 and 6")
    await alice.decline("get_random_number")
    await alice.says("declined")
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    await expect(alice.request()).to_be_visible()
    await alice.answer("Decline")
    await alice.finished()
    await alice.begin_another()
    await page.get_by_role("navigation", name="Chats").get_by_role("link").first.click()
    await expect(alice.conversation.locator(".message.user")).to_have_count(3)
    shifts: list[Any] = await page.evaluate("window.shifts")
    others = [shift for shift in shifts if _DOCK not in str(shift[1])]
    assert sum(value for value, *_ in others) < 0.001, others
    assert sum(value for value, *_ in shifts) < 0.1, shifts


async def test_five_hundred_messages_are_drawn(alice: Person) -> None:
    page = alice.page
    for number in range(2):
        await alice.ask("Please generate a random number between 1 and 6")
        await alice.decline("get_random_number", number)
        await alice.finished()
    took = []

    async def take(source: Any, milliseconds: float) -> None:
        took.append(milliseconds)

    await page.expose_binding("took", take)
    await page.add_init_script(_MANY)
    await page.reload()
    await alice.ready()
    await expect(alice.conversation.locator(".message")).to_have_count(MESSAGES)
    await expect(alice.conversation.locator(".message").last).to_be_in_viewport()
    print(f"{MESSAGES} messages were drawn after {took[0]:.0f} ms")
