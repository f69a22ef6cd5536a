"""What people, models and servers wrote runs in its own direction in every language of the page."""

import pytest
from playwright.async_api import Page

HEBREW = "שלום עולם."
ARABIC = "مرحبا بالعالم."

DIRECTIONS = """
async ([kind, text]) => {
  const load = (path) => import(`/static/js/${path}`);
  const until = { expires_at: Date.now() / 1000 + 60, latest_at: Date.now() / 1000 + 600 };
  const counting = { element: document.createElement("span"), update() {}, remove() {}, watch() {} };
  const context = {
    typed: { load: () => null, save() {}, forget() {} }, countdowns: { add: () => counting },
    serverTitle: () => text, commands: {}, report() {}, announce() {},
  };
  const schema = { properties: { [text]: { type: "string", description: text } } };
  const call = {
    call_id: "c", tool: text, title: text, description: text, server: "s", arguments: { [text]: text },
    grantable: ["chat"], annotations: { readOnlyHint: true }, input_schema: schema, ...until,
  };
  const fields = [
    { name: "a", kind: "text", title: text, description: text, required: true },
    { name: "b", kind: "choices", title: text, options: [{ value: "x", title: text }] },
  ];
  const [said, prompt] = [{ role: "user", text }, { name: text }];
  const card = async (more) => new (await load("tools/card.js")).ToolCard({ ...call, ...more }, context).slot;
  const made = {
    proposed: () => card({ status: "proposed" }),
    failed: () => card({ status: "failed", started_at: 1, content: [{ type: "text", text }] }),
    done: () => card({ status: "done", content: [], structured: { [text]: text, rows: [{ [text]: text }] } }),
    form: async () => (await load("requests/elicitation.js")).elicitationForm(
      { elicitation_id: "e", server: "s", message: text, mode: "form", fields, ...until }, context).element,
    sampling: async () => (await load("requests/sampling.js")).samplingRequest(
      { sampling_id: "s", server: "s", messages: [said], ...until }, context).element,
    message: async () => new (await load("conversation/message.js")).MessageView(
      { ...said, files: [{ name: text, mime_type: "text/plain" }], prompt }, context).element,
  };
  document.body.replaceChildren(await made[kind]());
  for (const details of document.querySelectorAll("details")) details.open = true;
  const begins = (node) => node.nodeType === 3 && node.textContent.trim().startsWith(text.slice(0, 4));
  const all = [...document.body.querySelectorAll(":not(option)")];
  const found = all.filter((element) => [...element.childNodes].some(begins));
  return found.map((element) => [element.outerHTML, getComputedStyle(element).direction]);
}
"""


@pytest.mark.parametrize("text", [HEBREW, ARABIC])
@pytest.mark.parametrize("kind", ["proposed", "failed", "done", "form", "sampling", "message"])
async def test_text_of_others_has_its_own_direction(modules: Page, kind: str, text: str) -> None:
    found = await modules.evaluate(DIRECTIONS, [kind, text])
    assert found
    assert [element for element, direction in found if direction != "rtl"] == []


async def test_text_of_others_keeps_its_direction_on_a_page_of_another_one(modules: Page) -> None:
    found = await modules.evaluate(DIRECTIONS, ["proposed", "Hello world."])
    assert {direction for _, direction in found} == {"ltr"}


ENDS = """
async (html) => {
  const { Prose } = await import("/static/js/conversation/prose.js");
  const prose = new Prose(() => {});
  prose.finish(html);
  document.body.replaceChildren(prose.element);
  const at = (node, offset) => {
    const range = document.createRange();
    range.setStart(node, offset);
    range.setEnd(node, offset + 1);
    return range.getBoundingClientRect().left;
  };
  return [...prose.element.querySelectorAll("p, li, th")].map(({ firstChild: text }) =>
    at(text, text.length - 1) < at(text, 0) ? "rtl" : "ltr");
}
"""


async def test_each_part_of_an_answer_has_its_own_direction(modules: Page) -> None:
    await modules.add_style_tag(url="/static/css/conversation.css")
    html = (
        f"<h2>Both</h2><p>{HEBREW}</p><p>Hello.</p><ul><li>{ARABIC}</li><li>Two.</li></ul>"
        f"<table><thead><tr><th>{HEBREW}</th><th>Three.</th></tr></thead></table>"
    )
    assert await modules.evaluate(ENDS, html) == ["rtl", "ltr"] * 3
