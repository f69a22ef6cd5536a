"""Files of the person: chosen, pasted or dropped, small pictures of them, and what cannot be sent."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import FilePayload, Locator, Route, expect
from tests.browser.looks import picture
from tests.browser.person import Person
from tests.browser.playground import PICTURE
from tests.browser.stack import STATIC
from tests.browser.watch import Watch

from mcpsecurity.testing import ScriptedModel, calls, says

PNG: FilePayload = {"name": "square.png", "mimeType": "image/png", "buffer": base64.b64decode(PICTURE)}
NOTES: FilePayload = {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# Milk"}
LOGO: FilePayload = {
    "name": "sign.png",
    "mimeType": "image/png",
    "buffer": (STATIC / "icon-512.png").read_bytes(),
}
TRANSFER = """([type, event, files]) => {
  const data = new DataTransfer();
  for (const [name, text] of files) data.items.add(new File([text], name));
  const target = type === "paste" ? document.querySelector("#message") : document.body;
  const options = {bubbles: true, cancelable: true, [event]: data};
  const made = type === "paste" ? new ClipboardEvent(type, options) : new DragEvent(type, options);
  return target.dispatchEvent(made);
}"""
AliceWith = Callable[..., Awaitable[Person]]


@pytest.fixture
async def seen(alice_with: AliceWith) -> Person:
    """Alice at a chat whose model sees pictures."""
    return await alice_with(deployment="offline-vision", model_images=True)


def chips(person: Person) -> Locator:
    return person.page.get_by_role("list", name="Files").get_by_role("listitem")


async def choose(person: Person, *files: FilePayload) -> None:
    await person.page.locator("#file-input").set_input_files(list(files))


async def is_painted(picture: Locator) -> None:
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("(e) => e.naturalWidth") == 8


async def test_a_picture_and_a_small_chip_stand_above_the_message(
    seen: Person, script: ScriptedModel
) -> None:
    await choose(seen, LOGO, NOTES)
    script.will(says("The sign is a speech bubble with a check mark. You need milk."))
    await seen.ask("What is on the sign, and what do I need to buy?")
    await seen.says("You need milk")
    message = seen.conversation.locator(".message.user")
    sign = message.get_by_role("img", name="sign.png")
    await expect(sign).to_have_js_property("complete", True)
    heights = [
        await element.evaluate("(e) => e.offsetHeight") for element in (message.locator(".chip"), sign)
    ]
    assert heights[0] < 40 < heights[1]
    await picture(seen.page, "choice-files")


async def test_files_are_chosen_and_a_picture_stays_with_the_message(
    seen: Person, script: ScriptedModel
) -> None:
    async with seen.page.expect_file_chooser() as chooser:
        await seen.page.get_by_role("button", name="Attach a file").click()
    await (await chooser.value).set_files([PNG, NOTES])
    await expect(chips(seen)).to_have_count(2)
    await seen.page.get_by_role("button", name="Remove notes.md").click()
    await expect(chips(seen)).to_have_text([re.compile("square.png")])
    await choose(seen, NOTES)
    script.will(says("A red square, and milk."))
    await seen.ask("What is this?")
    await seen.says("red square")
    await expect(chips(seen)).to_have_count(0)
    message = seen.conversation.locator(".message.user")
    await expect(message.locator(".chip")).to_have_text("notes.md")
    await is_painted(message.get_by_role("img", name="square.png"))
    read = str(script.asked[-1].messages)
    assert PICTURE in read
    assert "# Milk" in read
    await seen.page.reload()
    await is_painted(message.get_by_role("img", name="square.png"))
    link = await message.get_by_role("link").get_attribute("href")
    answer = await seen.page.context.request.get(seen.url + str(link))
    assert (answer.headers["content-type"], await answer.body()) == ("image/png", PNG["buffer"])


async def test_files_are_pasted_and_dropped(seen: Person) -> None:
    assert not await seen.page.evaluate(TRANSFER, ["paste", "clipboardData", [["a.txt", "one"]]])
    await expect(chips(seen)).to_have_text([re.compile(r"a\.txt")])
    assert not await seen.page.evaluate(TRANSFER, ["dragover", "dataTransfer", [["b.csv", "a;b"]]])
    assert not await seen.page.evaluate(TRANSFER, ["drop", "dataTransfer", [["b.csv", "a;b"]]])
    await expect(chips(seen)).to_have_text([re.compile(r"a\.txt"), re.compile(r"b\.csv")])
    assert await seen.page.evaluate(TRANSFER, ["paste", "clipboardData", []]), "text is pasted as ever"
    await seen.ask("")
    await expect(seen.conversation.locator(".message.user .chip")).to_have_text(["a.txt", "b.csv"])
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("a.txt")


async def test_files_stay_with_the_chat_in_which_they_were_chosen(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    await alice.message.fill("and this?")
    await choose(alice, NOTES)
    await expect(chips(alice)).to_have_text([re.compile(r"notes\.md")])
    await alice.begin_another()
    await expect(chips(alice)).to_have_count(0)
    await choose(alice, {**NOTES, "name": "other.md"})
    await expect(chips(alice)).to_have_text([re.compile(r"other\.md")])
    await alice.ask("help")
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text("other.md")
    await alice.finished()
    await alice.page.get_by_role("navigation", name="Chats").get_by_role("link", name="hello").click()
    await expect(alice.message).to_have_value("and this?")
    await expect(chips(alice)).to_have_text([re.compile(r"notes\.md")])
    await expect(alice.conversation.locator(".message.user")).to_contain_text("hello")
    await alice.message.press("Enter")
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text("notes.md")
    await expect(chips(alice)).to_have_count(0)


async def test_a_message_that_is_taken_late_clears_only_the_draft_of_its_own_chat(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    taken = asyncio.Event()

    async def late(route: Route) -> None:
        await taken.wait()
        await route.continue_()

    await alice.page.route("**/messages", late)
    await choose(alice, NOTES)
    await alice.message.fill("and this?")
    await alice.message.press("Enter")
    await alice.page.get_by_role("button", name="New chat", exact=True).click()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("New chat")
    await alice.message.fill("another thought")
    await choose(alice, {**NOTES, "name": "other.md"})
    async with alice.page.expect_response("**/messages"):
        taken.set()
    await alice.page.get_by_role("navigation", name="Chats").get_by_role("link", name="hello").click()
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text("notes.md")
    await expect(alice.message).to_have_value("")
    await expect(chips(alice)).to_have_count(0)
    await alice.page.go_back()
    await expect(alice.message).to_have_value("another thought")
    await expect(chips(alice)).to_have_text([re.compile(r"other\.md")])


async def test_trying_again_sends_a_message_in_the_chat_in_which_it_was_written(
    alice: Person, watch: Watch
) -> None:
    watch.allow("503|Failed to load resource")
    await alice.ask("hello")
    await alice.finished()
    refusal = {"error": {"code": "busy", "message": "Not now.", "retryable": True}}
    await alice.page.route("**/messages", lambda route: route.fulfill(status=503, json=refusal))
    await choose(alice, NOTES)
    await alice.message.fill("and this?")
    await alice.message.press("Enter")
    again = alice.notices.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await alice.page.unroute("**/messages")
    await alice.begin_another()
    await again.click()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("hello")
    await expect(alice.conversation.locator(".message.user").last).to_contain_text("and this?")
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text("notes.md")
    await expect(alice.message).to_have_value("")


async def test_what_was_refused_is_not_offered_again_once_it_was_said(alice: Person, watch: Watch) -> None:
    watch.allow("503|Failed to load resource")
    refusal = {"error": {"code": "busy", "message": "Not now.", "retryable": True}}
    await alice.page.route("**/messages", lambda route: route.fulfill(status=503, json=refusal))
    await alice.message.fill("hello")
    await alice.message.press("Enter")
    again = alice.notices.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await alice.page.unroute("**/messages")
    await alice.message.press("Enter")
    await alice.says("offline model")
    await expect(again).to_have_count(0)
    await expect(alice.conversation.locator(".message.user")).to_have_count(1)


async def test_what_cannot_be_sent_is_said_before_sending(alice: Person) -> None:
    many = 4 * 2**20 + 1
    wrong: list[tuple[FilePayload, str]] = [
        ({"name": "empty.txt", "mimeType": "text/plain", "buffer": b""}, "is empty"),
        ({"name": "big.txt", "mimeType": "text/plain", "buffer": b"x" * many}, "larger than 4 MiB"),
        ({"name": "program.txt", "mimeType": "text/plain", "buffer": b"\x00\x01"}, "neither text nor a pic"),
        (PNG, "This model does not see pictures. Remove the picture to send your message."),
    ]
    await alice.message.fill("look")
    for file, reason in wrong:
        await choose(alice, file)
        await expect(chips(alice)).to_contain_text([reason])
        await expect(alice.send).to_have_attribute("aria-disabled", "true")
        await alice.message.press("Enter")
        await expect(alice.page.locator("#too-long")).to_contain_text(reason)
        await alice.page.get_by_role("button", name=f"Remove {file['name']}").click()
        await expect(alice.send).to_have_attribute("aria-disabled", "false")
    await expect(alice.page.locator("#too-long")).to_be_hidden()
    await choose(alice, *[NOTES] * 6)
    await expect(alice.send).to_have_attribute("aria-disabled", "true")
    await expect(alice.page.locator("#too-long")).to_have_text("A message takes 5 files at most.")
    await expect(alice.conversation.locator(".message")).to_have_count(0)


async def test_a_message_with_files_waits_is_taken_back_whole_and_sent(
    seen: Person, script: ScriptedModel
) -> None:
    script.will(calls("playground-run_marathon"), says("No marathon."), says("A square."))
    await seen.ask("Run a marathon")
    await expect(seen.call("run_marathon")).to_be_visible()
    waiting = seen.page.get_by_role("list", name="Messages that wait")
    await choose(seen, PNG, NOTES)
    await seen.message.fill("and these?")
    await seen.message.press("Enter")
    await expect(waiting).to_contain_text("and these?, square.png, notes.md")
    await expect(chips(seen)).to_have_count(0)
    await seen.page.reload()
    await waiting.get_by_role("button", name="Take back").click()
    await expect(seen.message).to_have_value("and these?")
    await expect(chips(seen)).to_contain_text(["square.png", "notes.md"])
    await seen.message.press("Enter")
    await expect(waiting).to_contain_text("notes.md")
    await seen.decline("run_marathon")
    last = seen.conversation.locator(".message.user").last
    await is_painted(last.get_by_role("img", name="square.png"))
    await expect(last.locator(".chip")).to_have_text("notes.md")
    await seen.says("A square")


async def test_a_message_is_taken_back_into_its_own_chat_though_another_is_open(alice: Person) -> None:
    await alice.ask("Run a marathon")
    await expect(alice.call("run_marathon")).to_be_visible()
    await choose(alice, NOTES)
    await alice.message.fill("and this?")
    await alice.message.press("Enter")
    waiting = alice.page.get_by_role("list", name="Messages that wait")
    await expect(waiting).to_contain_text("and this?, notes.md")
    await alice.message.fill("something more")
    read, proceed = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        read.set()
        await proceed.wait()
        await route.continue_()

    await alice.page.route("**/files/0", late)
    await waiting.get_by_role("button", name="Take back").click()
    await read.wait()
    await alice.begin_another()
    await alice.message.fill("another thought")
    async with alice.page.expect_response("**/take-back"):
        proceed.set()
    await alice.page.get_by_role("navigation", name="Chats").get_by_role("link", name="Run a mara").click()
    await expect(chips(alice)).to_have_text([re.compile(r"notes\.md")])
    await expect(alice.message).to_have_value("and this?\n\nsomething more")
    await expect(waiting).to_be_hidden()
    await alice.page.go_back()
    await expect(alice.message).to_have_value("another thought")
    await expect(chips(alice)).to_have_count(0)


async def test_a_file_is_removed_while_its_message_is_edited(alice: Person, script: ScriptedModel) -> None:
    await choose(alice, NOTES, {**NOTES, "name": "other.md", "buffer": b"# Bread"})
    script.will(says("Milk and bread."), says("A loaf is enough."))
    await alice.ask("What do I need?")
    await alice.says("Milk and bread")
    message = alice.conversation.locator(".message.user")
    await message.hover()
    await message.get_by_role("button", name="Edit message").click()
    await message.get_by_role("button", name="Remove other.md").click()
    words = message.get_by_role("textbox", name="What you said")
    await expect(words).to_be_focused()
    await words.press("Escape")
    await expect(message.locator(".chip")).to_have_text(["notes.md", "other.md"])
    await expect(message.get_by_role("button", name="Edit message")).to_be_focused()
    await message.get_by_role("button", name="Edit message").click()
    await message.get_by_role("button", name="Remove notes.md").click()
    await expect(message.locator(".chip:visible")).to_contain_text(["other.md"])
    await words.fill("And now?")
    await message.get_by_role("button", name="Save and ask").click()
    await alice.says("A loaf is enough")
    await expect(message.locator(".chip")).to_have_text(["other.md"])
    read = str(script.asked[-1].messages)
    assert "# Bread" in read
    assert "# Milk" not in read
    await alice.page.get_by_role("button", name="Version before").first.click()
    await expect(message.locator(".chip")).to_have_text(["notes.md", "other.md"])
