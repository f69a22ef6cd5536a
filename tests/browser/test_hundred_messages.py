"""A hundred messages with a hostile model and a hostile server beside good ones: each answer ends with words
that are true, and in the end everything good still works."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect
from tests.browser.person import Person
from tests.browser.playground import NASTY
from tests.browser.stack import Service, Stack
from tests.webclient.oddity import Odd, tool
from tests.webclient.standin import Standin, Turn, calls, page, says

from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import McpServerSettings

pytestmark = pytest.mark.timeout(400)

MESSAGES = 100
RANDOM = calls("Tools-get_random_number", '{"min": 3, "max": 4}')
SHOUT = calls("odd-shout", '{"a": "x"}')
CUT = says("Half a sen").pieces[0].split(b"data: ")[1]


@dataclass(frozen=True)
class Step:
    """What the model does with one message, and what the person sees: `says` are the last answer's words,
    `ends` those of the note below it. `tool` is what is called, `card` what stands on its card, `decline`
    whether the person declines."""

    turns: tuple[Turn, ...]
    says: str = ""
    ends: str = ""
    tool: str = ""
    card: str = "Done"
    decline: bool = False


GOOD = (
    Step((says("A good answer."),), says="A good answer"),
    Step((RANDOM, says("It is three.")), says="It is three", tool="get_random_number", card="Done"),
    Step(
        (RANDOM, says("As you like.")),
        says="As you like",
        tool="get_random_number",
        card="Declined",
        decline=True,
    ),
)


def failed(status: int, body: Any, ends: str, **headers: str) -> Step:
    return Step((page(json.dumps(body), status, **headers),) * 2, ends=ends)


BAD = (
    Step((says("Once upon", "length"),), says="Once upon", ends="cut off at the model's limit"),
    Step((says("There was", "content_filter"),), says="There was", ends="content filter ended this answer"),
    Step((says(""),), ends="The model gave no answer."),
    Step((says("", "content_filter"),), ends="content filter"),
    Step((says("Odd end.", "tea_time"),), says="Odd end", ends="a reason that is not known"),
    Step((page("<html>Please sign in</html>", content_type="text/html"),), ends="no answer of a model"),
    Step((Turn((b"data: " + CUT,), ending="cut"),), says="Half a sen", ends="broke off"),
    Step((says(f"{NASTY} [x](javascript:alert(1))"),), says="hacked"),
    failed(429, {"error": {"code": "429", "message": "busy"}}, "The model is busy"),
    failed(500, {"error": {"code": "x", "message": "x"}}, r"error \(500\)"),
    failed(401, {"error": {"code": "401", "message": "no"}}, "refuses this application's credentials"),
    failed(404, {"error": {"code": "DeploymentNotFound", "message": "no"}}, "deployment does not exist"),
    failed(400, {"error": {"code": "odd", "message": "no"}}, "400"),
    Step((calls("functions.nothing", "{}"), says("No such tool.")), says="No such tool"),
    Step((calls("", '{"a": 1}'), says("No name.")), says="No name"),
    Step((calls("odd-shout", '{"a": '), says("No JSON.")), says="No JSON"),
    Step((calls("odd-shout", "[1]"), says("A list.")), says="A list"),
    Step((calls("odd-shout", '{"a": 12345678901234567890123}'), says("Loud.")), says="Loud", tool="shout"),
    Step((SHOUT, says("Quiet.")), says="Quiet", tool="shout", card="Declined", decline=True),
    Step((calls("odd-swamp", "{}"), says("Much.")), says="Much", tool="swamp"),
    Step((calls("odd-paint", "{}"), says("Painted.")), says="Painted", tool="paint"),
    Step((calls("odd-refuse", "{}"), says("No luck.")), says="No luck", tool="refuse", card="Go away."),
    Step((calls("odd-mumble", "{}"), says("Unclear.")), says="Unclear", tool="mumble", card="7"),
    Step((calls("odd-shout", "{}", call_id=""), says("No id.")), says="No id", tool="shout"),
)  # fmt: skip


def hostile_server() -> Odd:
    """Return a server whose tools answer with markup, too much, broken pictures, errors and nonsense."""
    results: dict[str, Any] = {
        "shout": {
            "content": [{"type": "text", "text": f"{NASTY} \u202e"}],
            "structuredContent": {NASTY: NASTY},
        },
        "swamp": {"content": [{"type": "text", "text": "x" * 300_000}] * 3},
        "paint": {"content": [{"type": "image", "data": "no base64", "mimeType": "image/png"}]},
        "refuse": {"content": [{"type": "text", "text": "Go away."}], "isError": True},
        "mumble": {"content": 7},
    }
    odd = Odd(tools={})
    loose = {"additionalProperties": True}
    tools = [tool(name, **loose) for name in results] + [{"name": "broken", "inputSchema": 7}]
    odd.results["tools/list"] = {"tools": tools}
    odd.results["tools/call"] = lambda params: results[params["name"]]
    return odd


@pytest.fixture
async def model() -> Standin:
    return Standin()


@pytest.fixture
async def carol(stack: Stack, context: BrowserContext, model: Standin) -> AsyncIterator[Person]:
    """Somebody at a chat with the stand-in model, our server and the hostile one."""
    services = [Service(model.app), Service(hostile_server().app)]
    endpoint, odd = (f"http://localhost:{service.port}" for service in services)
    url = ""
    more = (McpServerSettings(name="odd", url=f"{odd}/mcp"),)
    web = Service(
        lambda: create_app(
            stack.web_settings(url=url, azure_openai_endpoint=endpoint, model_api="chat", more_servers=more)
        )
    )
    url = f"http://localhost:{web.port}"
    stack.cloud.register_webclient_url(url)
    services.append(web)
    for service in services:
        await service.start()
    person = await Person(await context.new_page(), url).sign_in()
    yield person
    await person.page.close()  # it would ask a service that is gone
    for service in reversed(services):
        await service.stop()


async def test_after_a_hundred_messages_with_hostile_ones_everything_good_works(
    carol: Person, model: Standin
) -> None:
    steps = list(islice(zip(cycle(GOOD), cycle(BAD), strict=False), MESSAGES // 2))
    for number, step in enumerate(step for pair in steps for step in pair):
        await _take(carol, model, step, f"Message {number}")
        assert model.refused == [], step
    await _everything_good_works(carol, model)
    await _all_of_it_is_there(carol)


async def _take(person: Person, model: Standin, step: Step, text: str) -> None:
    """Say something, decide what is called, and see the answer or its ending."""
    model.turns.clear()
    model.turns.extend(step.turns)
    cards = await person.page.get_by_role("group", name=re.compile("^Tool call ")).count()
    await person.ask(text)
    if step.tool:
        card = person.calls(step.tool).last
        await card.get_by_role("button", name="Decline" if step.decline else "Approve", exact=True).click()
        await expect(card).to_contain_text(step.card)
        cards += 1
    ending = person.page.get_by_role("group", name="No answer")
    if step.ends:
        await expect(ending).to_contain_text(re.compile(step.ends))
    if step.says:
        await person.says(step.says)
    if not step.ends:
        await expect(ending).to_have_count(0)
    await expect(person.page.get_by_role("group", name=re.compile("^Tool call "))).to_have_count(cards)
    await person.finished()


async def _everything_good_works(person: Person, model: Standin) -> None:
    """A tool is called, approved and answered; in Elicitation mode its server asks to approve."""
    await _take(person, model, GOOD[1], "Once more")
    await person.choose("Elicitation")
    model.turns.extend((RANDOM, says("The form was answered.")))
    await person.ask("And by a form")
    await person.answer("Approve")
    await person.says("The form was answered")
    await person.choose("Manual")


async def _all_of_it_is_there(person: Person) -> None:
    """The exported files and a page that opens now have every message."""
    chat = await person.page.locator("body").get_attribute("data-chat-id")
    for form in ("json", "markdown"):
        path = f"{person.url}/api/chats/{chat}/export?format={form}"
        answer = await person.page.context.request.get(path)
        assert answer.ok
        text = await answer.text()
        assert all(f"Message {number}" in text for number in range(MESSAGES))
    await person.page.reload()
    await person.ready()
    await expect(person.conversation.locator(".message.user")).to_have_count(MESSAGES + 2)
    await expect(person.answers.last).to_contain_text("The form was answered")
    for selector in ("img[src='x']", "script:not([src])", "a[href^='javascript']", "[onerror]"):
        await expect(person.conversation.locator(selector)).to_have_count(0)
