"""Nothing moves by itself in a whole journey; five hundred messages are drawn (how soon: `-s`)."""

import re
from typing import Any

import pytest
from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.stack import Stack

MESSAGES = 500
_WATCH_SHIFTS = """
window.shifts = [];
const heard = []; // when the page heard of an input: on a slow machine that is some time after it
for (const name of ["keydown", "pointerdown", "click"]) {
  window.addEventListener(name, () => heard.push(performance.now()), true);
}
new PerformanceObserver((list) => {
  const at = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
  for (const { value, hadRecentInput, sources, startTime } of list.getEntries()) {
    const moved = sources.map(({ node, previousRect: from, currentRect: to }) =>
      `${(node?.outerHTML ?? node?.data)?.slice(0, 170)} from ${at(from)} to ${at(to)}`);
    const isHers = hadRecentInput || heard.some((at) => at <= startTime && startTime - at < 500);
    if (!isHers) window.shifts.push([value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""

# What moves within half a second of what a person does is hers. Every event of the server comes later:
# nothing that it moves is excused.
_LATE = """
const Source = window.EventSource;
window.EventSource = class extends Source {
  addEventListener(name, listen) {
    const wait = ["open", "error", "alive"].includes(name) ? 0 : 520;
    super.addEventListener(name, (event) => setTimeout(() => listen(event), wait));
  }
};
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


@pytest.mark.parametrize("screen", [(1280, 720), (360, 500)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_nothing_moves_by_itself_from_the_first_moment_to_the_last_answer(
    alice: Person, stack: Stack, screen: tuple[int, int]
) -> None:
    page = alice.page
    await page.set_viewport_size({"width": screen[0], "height": screen[1]})
    await page.add_init_script(_WATCH_SHIFTS)
    await page.add_init_script(_LATE)
    await page.reload()
    await alice.ready()
    await expect(page.get_by_role("button", name="MCP servers")).to_have_text(re.compile("tools"))
    await _say(alice, "What is the weather in Zurich?")
    await alice.approve("get_city_weather")
    await alice.says("Zurich")
    await _say(alice, "Please generate a random number between 1 and 6")
    await expect(alice.call("get_random_number")).to_be_visible()
    await alice.conversation.evaluate("(e) => e.scrollTo(0, 0)")
    await page.get_by_role("button", name="Show", exact=True).click()
    await alice.decline("get_random_number")
    await alice.says("declined")
    await _allow_and_wait_in_line(alice, stack)
    await alice.choose("Elicitation")
    await _say(alice, "Fill in a survey")
    await expect(alice.request()).to_be_visible()
    await alice.answer("Decline")
    await alice.finished()
    await alice.begin_another()
    await page.go_back()
    await expect(alice.conversation.locator(".message.user")).to_have_count(5)
    shifts: list[Any] = await page.evaluate("window.shifts")
    assert shifts == [], "\n".join(map(str, shifts))


async def test_a_chat_comes_to_the_top_of_the_list_with_its_message_and_not_later(alice: Person) -> None:
    page = alice.page
    await alice.ask("hello, older one")
    await alice.says("offline model")
    await alice.begin_another()
    await alice.ask("hello, newer one")
    await alice.says("offline model")
    links = page.get_by_role("navigation", name="Chats").get_by_role("link")
    await expect(links).to_have_text([re.compile("newer"), re.compile("older")])
    path = await links.last.get_attribute("href")
    await page.add_init_script(_WATCH_SHIFTS)
    await page.add_init_script(_LATE)
    await page.goto(f"{alice.url}{path}")
    await alice.ready()
    await expect(links.last).to_have_attribute("aria-current", "page")
    async with page.expect_response(re.compile(r"/api/chats$")):  # the list is read again after the events
        await _say(alice, "help")
    await expect(links).to_have_text([re.compile("older"), re.compile("newer")])
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert await page.evaluate("window.shifts") == []
    await alice.finished()


async def _say(alice: Person, text: str) -> None:
    """Type a message key by key: what follows a key is the person's doing."""
    await alice.message.press_sequentially(text)
    await alice.message.press("Enter")


async def _allow_and_wait_in_line(alice: Person, stack: Stack) -> None:
    """Allow a tool in this chat; write a message while it runs, which waits for its end."""
    await _say(alice, "Run a marathon")
    await alice.call("run_marathon").get_by_role("checkbox", name="Don't ask again").check()
    await alice.approve("run_marathon")
    await expect(alice.page.get_by_role("group", name="Always allowed in this chat")).to_be_visible()
    await _say(alice, "hello")
    await expect(
        alice.page.get_by_role("list", name="Messages that wait").get_by_role("listitem")
    ).to_be_visible()
    stack.playground.proceed.set()
    await alice.says("offline model")


async def test_five_hundred_messages_are_drawn(alice: Person) -> None:
    page = alice.page
    for number in range(2):
        await _say(alice, "Please generate a random number between 1 and 6")
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
