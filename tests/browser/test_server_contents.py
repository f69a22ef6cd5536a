"""What servers give besides text: sounds, links and files of results, templates, proposals for arguments."""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Page, expect
from tests.browser.person import Person
from tests.browser.stack import Service
from tests.browser.watch import Watch
from tests.webclient.oddity import Odd, tool

from mcpsecurity.testing import ScriptedModel, calls, says

WAV = (
    b"RIFF\x2c\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00"
)
WAV += b"data\x08\x00\x00\x00" + b"\x80" * 8
SCORE = b"notes \xff"


@pytest.fixture
async def listener(
    alice_with: Callable[..., Awaitable[Person]],
) -> AsyncIterator[tuple[Person, Odd]]:
    """Alice at a chat with a server of songs."""
    odd = Odd(tools={}, resources={}, prompts={}, completions={})
    score = {"uri": "songs://score", "mimeType": "x/score", "blob": base64.b64encode(SCORE).decode()}
    odd.results |= {
        "tools/list": {"tools": [tool("sing")]},
        "tools/call": {
            "content": [
                {"type": "audio", "mimeType": "audio/wav", "data": base64.b64encode(WAV).decode()},
                {"type": "resource", "resource": score},
                {"type": "resource_link", "uri": "songs://words", "name": "Words"},
            ]
        },
        "resources/list": {"resources": []},
        "resources/templates/list": {
            "resourceTemplates": [{"name": "song", "uriTemplate": "songs://{title}/{part}{?key}"}]
        },
        "resources/read": lambda params: {"contents": [{"uri": params["uri"], "text": "La la la."}]},
        "prompts/list": {
            "prompts": [{"name": "hum", "arguments": [{"name": "title", "required": True}]}],
        },
        "prompts/get": {"messages": [{"role": "user", "content": {"type": "text", "text": "Hum it."}}]},
        "completion/complete": lambda params: {
            "completion": {"values": [params["argument"]["value"] + end for end in ("anthem", "aria")]}
        },
    }
    service = Service(odd.app)
    await service.start()
    server = {"name": "songs", "url": f"http://localhost:{service.port}/mcp"}
    yield await alice_with(more_servers=(server,)), odd
    await service.stop()


async def test_sounds_play_and_what_a_result_links_to_is_read_or_downloaded(
    listener: tuple[Person, Odd], script: ScriptedModel
) -> None:
    alice, _ = listener
    script.will(calls("songs-sing"), says("Sung."), says("It says la."))
    await alice.ask("Sing!")
    await alice.approve("sing")
    await alice.says("Sung")
    card = alice.call("sing")
    await card.locator("summary.card-line").click()
    sound = card.get_by_label("Sound of the result")
    await sound.evaluate("(e) => e.readyState >= 1 || new Promise((done) => (e.onloadedmetadata = done))")
    assert await sound.evaluate("(e) => e.error") is None
    for name, content in (("score", SCORE), ("words.bin", b"La la la.")):
        async with alice.page.expect_download() as download:
            await card.get_by_role("link", name="Download").nth(0 if name == "score" else 1).click()
        found = await download.value
        assert (found.suggested_filename, (await found.path()).read_bytes()) == (name, content)
    await card.get_by_role("button", name="Read into the chat").click()
    await expect(alice.page.get_by_role("list", name="Attached")).to_contain_text("Words")
    await alice.ask("What does it say?")
    await alice.says("la")
    assert "La la la." in str(script.asked[-1].messages)


@pytest.mark.parametrize(
    ("template", "address"),
    [  # of RFC 6570, 3.2
        ("{var}/{hello}", "value/Hello%20World%21"),
        ("{+path}/here", "/foo/bar/here"),
        ("{path}/here", "%2Ffoo%2Fbar/here"),
        ("{+half,x}", "50%25,1024"),
        ("X{#var,hello}", "X#value,Hello%20World!"),
        ("X{.var,x}", "X.value.1024"),
        ("{/var,x}/here", "/value/1024/here"),
        ("{/var:1,var}", "/v/value"),
        ("{;x,y}", ";x=1024;y=768"),
        ("{?x,y,undefined}", "?x=1024&y=768"),
        ("?fixed=yes{&x*}", "?fixed=yes&x=1024"),
        ("a{?undefined}{/undefined}", "a"),
    ],
)
async def test_an_address_is_made_of_a_template(modules: Page, template: str, address: str) -> None:
    values = {"var": "value", "hello": "Hello World!", "path": "/foo/bar", "half": "50%25", "x": "1024"}
    made = await modules.evaluate(
        """async ([template, values]) => {
          const { expanded } = await import("/static/js/composer/template.js");
          return expanded(template, (name) => values[name] ?? "");
        }""",
        [template, {**values, "y": "768"}],
    )
    assert made == address


async def test_the_variables_of_a_template_and_a_prompts_arguments_are_completed(
    listener: tuple[Person, Odd], script: ScriptedModel, watch: Watch
) -> None:
    watch.allow("502.*/complete")
    alice, odd = listener
    proposed = "(e) => [...e.list.options].map((option) => option.value)"
    await alice.page.get_by_role("button", name="Attach a resource").click()
    await alice.page.locator(".template summary").click()
    title = alice.page.locator(".template").get_by_label("title")
    await title.fill("o/")
    await expect(alice.page.locator("datalist option[value='o/aria']")).to_be_attached()
    assert await title.evaluate(proposed) == ["o/anthem", "o/aria"]
    await alice.page.locator(".template").get_by_label("part").fill("ü")
    await alice.page.get_by_role("button", name="Attach", exact=True).click()
    await alice.page.keyboard.press("Escape")
    await expect(alice.page.get_by_role("list", name="Attached")).to_contain_text("songs://o%2F/%C3%BC")
    await alice.message.press_sequentially("/hum")
    await alice.page.keyboard.press("Enter")
    form = alice.page.get_by_role("form", name=re.compile("^Prompt "))
    await form.get_by_label("title").fill("my ")
    await expect(form.locator("datalist option[value='my aria']")).to_be_attached()
    odd.results["completion/complete"] = None  # a server without proposals hinders nobody
    await form.get_by_label("title").fill("my own")
    script.will(says("Hm."))
    await form.get_by_label("title").press("Enter")
    await alice.says("Hm")
    read = str(script.asked[-1].messages)
    assert "La la la." in read
    assert "Hum it." in read
