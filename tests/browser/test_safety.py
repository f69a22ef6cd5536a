"""Nothing that a model, a tool or a server says becomes markup, and no other site can act for the person."""

from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.playground import NASTY
from tests.browser.stack import Stack
from tests.browser.watch import Watch

POST = """
async ([path, headers]) => {
  const body = JSON.stringify({mode: "manual"});
  return (await fetch(path, {method: "POST", headers, body})).status;
}
"""


async def test_markup_in_any_text_stays_text(alice: Person, stack: Stack) -> None:
    await alice.choose("Elicitation")
    await alice.ask(f"Spray graffiti {NASTY} **bold** <b>not bold</b>")
    await expect(alice.conversation.locator(".message.user")).to_contain_text(NASTY)
    await expect(alice.request()).to_contain_text(f"Message {NASTY}")
    await alice.answer("Send answer")
    await alice.finished()
    card = alice.call("spray_graffiti")
    await expect(card).to_contain_text(f"Graffiti {NASTY}")
    await card.locator("summary.card-line").click()
    await expect(card.get_by_role("row").filter(has_text="art")).to_contain_text(NASTY)
    for selector in (
        "img[src='x']",
        "script:not([src])",
        "b",
        "a[href^='javascript']",
        "[onerror]",
        "#conversation-content [style*='x']",
    ):
        await expect(alice.conversation.locator(selector)).to_have_count(0)
    await alice.page.reload()
    await alice.ready()
    await expect(alice.conversation).to_contain_text(NASTY)


async def test_a_command_without_the_token_is_refused(alice: Person, watch: Watch) -> None:
    watch.allow("403")
    chat = await alice.page.locator("body").get_attribute("data-chat-id")
    path = f"/api/chats/{chat}/mode"
    json = {"Content-Type": "application/json"}
    assert await alice.page.evaluate(POST, [path, json]) == 403
    assert await alice.page.evaluate(POST, [path, json | {"X-CSRF-Token": "guessed"}]) == 403


async def test_another_site_can_neither_command_nor_frame_the_chat(
    alice: Person, static_url: str, watch: Watch
) -> None:
    watch.allow("403|CORS|frame|ERR_")
    token = await alice.page.locator('meta[name="csrf-token"]').get_attribute("content")
    chat = await alice.page.locator("body").get_attribute("data-chat-id")
    answer = await alice.page.context.request.post(
        f"{alice.url}/api/chats/{chat}/mode",
        headers={"Origin": static_url, "X-CSRF-Token": token or "", "Content-Type": "application/json"},
        data={"mode": "elicitation"},
    )
    assert answer.status == 403
    other = await alice.page.context.new_page()
    await other.goto(static_url)
    await other.evaluate(
        """(url) => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.onload = done;
          frame.src = url;
          document.body.append(frame);
        })""",
        alice.page.url,
    )
    assert await other.frames[1].locator("#conversation").count() == 0


async def test_the_policy_forbids_inline_scripts_and_foreign_hosts(alice: Person) -> None:
    answer = await alice.page.context.request.get(alice.page.url)
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"):
        assert rule in policy
    for rule in ("connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy


async def test_links_in_answers_open_apart_and_know_nothing_of_the_page(alice: Person) -> None:
    await alice.ask("hello")
    await alice.page.evaluate(
        """async () => {
          const {Prose} = await import("/static/js/conversation/prose.js");
          const prose = new Prose(() => {});
          document.querySelector("#conversation-content").append(prose.element);
          prose.finish('<p>See <a href="https://example.com">there</a></p>');
        }"""
    )
    link = alice.conversation.get_by_role("link", name="there")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
