"""What the page says of calls, times and servers, to those who see it and to a screen reader."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

import mcpsecurity_webclient

TEMPLATES = Path(mcpsecurity_webclient.__file__).parent / "templates"

CHIPS = """
async (annotations) => {
  const { effectChips } = await import("/static/js/tools/consequence.js");
  const chips = effectChips(annotations).filter(Boolean);
  return chips.map((chip) => [chip.textContent, chip.dataset.effect ?? ""]);
}
"""
SENTENCE = """
async (call) => (await import("/static/js/tools/summary.js")).sentenceText(call)
"""
PROGRESS = """
async (progress) => {
  const view = (await import("/static/js/tools/progress.js")).progressView();
  view.update({ status: "running", progress }, false);
  return view.element.textContent;
}
"""
STATE = """
async (call) => (await import("/static/js/tools/wording.js")).wordsFor(call)
"""
GROUP = """
async ([then, now]) => {
  const { dateGroup } = await import("/static/js/shell/dates.js");
  return dateGroup(new Date(then).getTime() / 1000, new Date(now));
}
"""
HEARD = """
async ([name, data, state]) => {
  document.body.innerHTML = "<p id=announcer></p>";
  const { Announcer } = await import("/static/js/shell/announcer.js");
  const announcer = new Announcer();
  announcer.hear({ name, data }, { servers: [], calls: {}, messages: {}, order: [], ...state });
  announcer.say("That was all.");
}
"""
COUNT = """
async (seconds) => {
  const { Countdowns } = await import("/static/js/requests/countdown.js");
  window.now = 1000;
  window.said = [];
  const say = (words) => window.said.push(words);
  const counting = new Countdowns({ now: () => window.now }, say, async () => {});
  const until = { kind: "call", id: "c", expires_at: 1000 + seconds, latest_at: 5000 };
  document.body.replaceChildren(counting.add(until).element);
}
"""
TABLES = """
async () => {
  const { valueView } = await import("/static/js/tools/values.js");
  const { Prose } = await import("/static/js/conversation/prose.js");
  const prose = new Prose(() => {});
  prose.finish("<table><thead><tr><th>day</th><th>high</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>");
  document.body.replaceChildren(prose.element, valueView({ count: 3 }, { name: "Result of Count" }));
}
"""
STATUS = """
async ([offline, count]) => {
  document.body.innerHTML = ["reconnect", "model", "hint", "connection", "ended", "sign-in-again"]
    .map((id) => `<p id=${id}></p>`).join("");
  const { Status } = await import("/static/js/shell/status.js");
  const model = { name: "big", title: "Big", offline };
  const models = Array.from({ length: count }, () => model);
  new Status(() => {}).update({ model, models, connection: "open", ended: null, run: null, calls: {},
    elicitations: {}, samplings: {} });
}
"""


@pytest.mark.parametrize(
    ("annotations", "chips"),
    [
        ({"readOnlyHint": True}, [["Reads", "reads"]]),
        ({"destructiveHint": False}, [["Changes", "changes"]]),
        ({"destructiveHint": True}, [["Deletes", "destroys"]]),
        ({"readOnlyHint": False}, [["Deletes", "destroys"]]),
        (None, [["Effect unknown", "unknown"]]),
        ({"readOnlyHint": True, "openWorldHint": True}, [["Reads", "reads"], ["Reaches outside", ""]]),
    ],
)
async def test_a_chip_says_what_a_call_may_do(modules: Page, annotations: Any, chips: Any) -> None:
    assert await modules.evaluate(CHIPS, annotations) == chips


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            {"title": "Send e-mail", "arguments": {"to": "cfo@contoso.example", "body": "Hi"}},
            "Send e-mail to cfo@contoso.example",
        ),
        ({"title": "City weather", "arguments": {"city": "Zurich", "days": 5}}, "City weather – Zurich"),
        ({"tool": "roll", "arguments": {"min": 1, "max": 7}}, "roll – min 1, max 7"),
        ({"title": "Time", "arguments": {}}, "Time"),
        (
            {
                "title": "Erase files",
                "arguments": {},
                "input_schema": {"properties": {"pattern": {"default": "*.tmp"}}},
            },
            "Erase files – *.tmp",
        ),
    ],
)
async def test_a_call_is_one_sentence(modules: Page, call: Any, sentence: str) -> None:
    assert await modules.evaluate(SENTENCE, call) == sentence


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"status": "done", "duration_ms": 12, "unasked": True}, "Done · 12 ms · ran without asking you"),
        ({"status": "done", "duration_ms": 12, "decided_by": "grant"}, "Done · 12 ms · allowed before"),
        ({"status": "declined", "decided_by": "timeout"}, "Expired: no answer in time"),
        ({"status": "declined", "decided_by": "stop"}, "Not run: you stopped the answer"),
        ({"status": "declined", "decided_by": "user"}, "Declined"),
        ({"status": "failed", "refused": "decline", "duration_ms": 9}, "You declined its question"),
        ({"status": "done", "refused": "decline", "duration_ms": 9}, "Done · 9 ms"),
    ],
)
async def test_a_call_says_how_it_came_to_be_run_or_not(modules: Page, call: Any, words: str) -> None:
    assert await modules.evaluate(STATE, call) == words


@pytest.mark.parametrize(
    ("then", "group"),
    [
        ("2026-03-10T00:10", "Today"),
        ("2026-03-09T23:50", "Yesterday"),
        ("2026-03-03T12:00", "Previous 7 days"),
        ("2026-02-10T12:00", "Previous 30 days"),
        ("2025-12-31T12:00", "December 2025"),
    ],
)
async def test_chats_are_grouped_by_date(modules: Page, then: str, group: str) -> None:
    assert await modules.evaluate(GROUP, [then, "2026-03-10T09:00"]) == group


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            (
                "run.done",
                {"status": "completed"},
                {
                    "order": ["a"],
                    "messages": {"a": {"role": "assistant", "html": "<ul><li>n: <b>6</b></li></ul>"}},
                },
            ),
            "n: 6 That was all.",
        ),
        (("tool.proposed", {"call": {"tool": "x", "arguments": {}}, "by": "mode"}, {}), "That was all."),
        (
            ("tool.proposed", {"call": {"tool": "x", "server": "s", "arguments": {}}}, {}),
            "Approval needed for x, of s. That was all.",
        ),
    ],
    ids=["answer", "by the mode", "by the person"],
)
async def test_a_screen_reader_hears_words_without_marks_and_nothing_untrue(
    modules: Page, event: Any, words: str
) -> None:
    await modules.evaluate(HEARD, list(event))
    await expect(modules.locator("#announcer")).to_have_text(words)


async def test_a_person_is_warned_before_the_time_is_up(modules: Page) -> None:
    await modules.evaluate(COUNT, 120)
    words = modules.locator(".countdown")
    await expect(words).to_have_text("expires in 2:00")
    await modules.evaluate("window.now += 95")
    await expect(words).to_have_class(re.compile("short"))
    await expect(modules.get_by_role("button", name="More time")).to_be_visible()
    said = await modules.evaluate("window.said")
    assert said == ["25 seconds left to answer. The button More time gives you more."]


async def test_what_counts_down_is_as_high_when_its_time_is_up(modules: Page) -> None:
    await modules.evaluate(COUNT, 120)
    await modules.add_style_tag(url="/static/css/cards.css")
    await modules.add_style_tag(url="/static/css/base.css")
    await modules.evaluate("document.body.className = 'card-state'")
    more = modules.locator(".time button")
    await expect(more).to_be_visible()
    height = "(e) => e.getBoundingClientRect().height"
    before = await modules.locator(".card-state").evaluate(height)
    await modules.evaluate("window.now += 120")
    await expect(modules.locator(".countdown")).to_have_text("time is up")
    await expect(more).to_be_hidden()
    assert await modules.locator(".card-state").evaluate(height) == before > 20


async def test_tables_have_names(modules: Page) -> None:
    await modules.evaluate(TABLES)
    await expect(modules.get_by_role("table", name="day, high")).to_be_visible()
    await expect(modules.get_by_role("group", name="Table day, high")).to_be_visible()
    await expect(modules.get_by_role("table", name="Result of Count")).to_be_visible()


CODES = """
async () => {
  const { Prose } = await import("/static/js/conversation/prose.js");
  const prose = new Prose(() => {});
  prose.finish("<pre><code class=language-python>1</code></pre>".repeat(2));
  document.body.replaceChildren(prose.element);
}
"""


async def test_blocks_of_code_have_names_and_are_no_landmarks(modules: Page) -> None:
    await modules.evaluate(CODES)
    await expect(modules.get_by_role("group", name="Code in python")).to_have_count(2)
    await expect(modules.get_by_role("region")).to_have_count(0)


@pytest.mark.parametrize(
    ("offline", "count", "shown"), [(False, 1, "Big"), (False, 2, ""), (True, 2, "Demo model (rules, no AI)")]
)
async def test_the_model_is_named_once(modules: Page, offline: bool, count: int, shown: str) -> None:
    await modules.evaluate(STATUS, [offline, count])
    model = modules.locator("#model")
    assert await model.evaluate("(e) => e.innerText") == shown if shown else await model.is_hidden()


def test_what_a_person_types_into_the_page_has_its_own_direction() -> None:
    boxes = [
        box
        for path in TEMPLATES.glob("*.html")
        for box in re.findall(r"<(?:input type=\"(?:text|search)\"|textarea)[^>]*>", path.read_text("utf-8"))
    ]
    assert len(boxes) >= 4
    assert [box for box in boxes if 'dir="auto"' not in box] == []


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        ({"progress": 2, "total": 4, "message": "Step 2"}, "Step 2 · 50%"),
        ({"progress": 9, "total": 4, "message": None}, "100%"),
        ({"progress": 12345.5, "total": None, "message": None}, "12,345.5"),
    ],
)
async def test_progress_is_written_as_people_write_numbers(
    modules: Page, progress: dict[str, Any], said: str
) -> None:
    assert await modules.evaluate(PROGRESS, progress) == said
