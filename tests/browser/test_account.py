"""The account menu: what a person prefers is kept, and the first thing drawn is right."""

import re

from playwright.async_api import Browser, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch
from tests.support.eventually import eventually

BACKGROUND = "getComputedStyle(document.body).backgroundColor"
HIDE = """
Object.defineProperty(document, "hidden", { get: () => true });
Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
window.shown = [];
window.Notification = class extends EventTarget {
  static permission = "granted";
  static async requestPermission() { return "granted"; }
  constructor(title, options) { super(); window.shown.push(`${title}: ${options.body}`); }
  close() {}
};
window.tones = 0;
const start = AudioScheduledSourceNode.prototype.start;
AudioScheduledSourceNode.prototype.start = function (...when) {
  window.tones += 1;
  return start.apply(this, when);
};
"""


async def test_a_theme_is_kept_and_the_server_draws_it_at_once(alice: Person) -> None:
    await alice.page.emulate_media(color_scheme="light")
    light = await alice.page.evaluate(BACKGROUND)
    await alice.page.get_by_role("button", name="Account").click()
    await alice.page.get_by_role("radio", name="Dark").check()
    dark = await alice.page.evaluate(BACKGROUND)
    assert dark != light
    colour = alice.page.locator("meta[name=theme-color][media=all]")  # of the browser around the page
    await expect(colour).to_have_attribute("content", "#101315")
    answer = await alice.page.goto(alice.url)
    assert answer is not None
    assert 'data-theme="dark"' in await answer.text()
    assert await alice.page.evaluate(BACKGROUND) == dark
    await expect(colour).to_have_attribute("content", "#101315")
    await alice.page.get_by_role("button", name="Account").click()
    await alice.page.get_by_role("radio", name="System").check()
    assert await alice.page.evaluate(BACKGROUND) == light
    await expect(colour).to_have_count(0)


async def test_the_whole_menu_is_in_view_on_a_desktop_and_on_a_phone(alice: Person) -> None:
    for width, height in ((1280, 720), (360, 640)):
        await alice.page.set_viewport_size({"width": width, "height": height})
        await alice.page.get_by_role("button", name="Account").click()
        for name in ("Keyboard shortcuts", "Sign out"):
            await expect(alice.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        await alice.page.keyboard.press("Escape")


async def test_a_chosen_language_is_kept_and_what_was_being_written_too(alice: Person) -> None:
    await alice.message.fill("Half a sentence")
    await alice.page.get_by_role("button", name="Account").click()
    await alice.page.get_by_label("Language").select_option("de")
    await expect(alice.page.get_by_role("button", name="Neuer Chat")).to_be_visible()
    await expect(alice.page.locator("html")).to_have_attribute("lang", "de")
    await expect(alice.page.locator("#message")).to_have_value("Half a sentence")
    await alice.page.goto(f"{alice.url}/signout-callback-oidc")
    await expect(alice.page.locator("html")).to_have_attribute("lang", "de")


async def test_a_browser_gets_its_language_and_its_numbers(
    browser: Browser, watch: Watch, stack: Stack
) -> None:
    watch.observe(context := await browser.new_context(locale="de-CH"))
    person = Person(await context.new_page(), stack.url)
    await person.page.goto(stack.url)
    await person.page.get_by_role("button", name="alice@contoso.example").click()
    await expect(person.page.get_by_role("button", name="Neuer Chat")).to_be_visible()
    await person.ready()  # the catalogue is a script of its own
    words = "import('/static/js/ui/texts.js').then(({number, t}) => [t('New chat'), number(1234567.5)])"
    assert await person.page.evaluate(words) == ["Neuer Chat", "1'234'567.5"]
    await context.close()


async def test_a_hidden_tab_notifies_on_request_and_only_then(alice: Person) -> None:
    await alice.page.add_init_script(HIDE)
    await alice.page.reload()
    await alice.ready()
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.page).to_have_title(re.compile(r"^\(1\)"))
    assert await alice.page.evaluate("window.shown") == []
    await alice.page.get_by_role("button", name="Account").click()
    await alice.page.get_by_role("checkbox", name="Notify me").check()
    await alice.page.keyboard.press("Escape")
    await alice.begin_another()
    await expect(alice.conversation.locator(".message")).to_have_count(0)
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.page).to_have_title(re.compile(r"^\(2\)"))
    assert len(await alice.page.evaluate("window.shown")) == 1
    await eventually(lambda: alice.page.evaluate("window.tones === 2"))  # the sound is loaded then


async def test_what_begins_to_wait_in_another_chat_notifies_too(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    await alice.page.add_init_script(HIDE)
    await alice.page.reload()
    await alice.ready()
    await alice.page.get_by_role("button", name="Account").click()
    await alice.page.get_by_role("checkbox", name="Notify me").check()
    await alice.page.keyboard.press("Escape")
    other = Person(await alice.page.context.new_page(), alice.url)
    await other.page.goto(alice.url)
    await other.ready()
    await other.begin_another()
    await other.ask("Please generate a random number between 1 and 6")
    await expect(alice.page).to_have_title(re.compile(r"^\(1\)"))
    assert await alice.page.evaluate("window.shown") == ["Your decision is needed: 1 request waits for you"]


async def test_signing_out_is_in_the_menu_on_a_phone_too(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 640})
    await alice.page.get_by_role("button", name="Account").click()
    menu = alice.page.get_by_role("dialog", name="Account")
    await expect(menu).to_contain_text("alice@contoso.example")
    await menu.get_by_role("button", name="Sign out").click()
    await expect(alice.page.get_by_role("heading", name="You are signed out")).to_be_visible()


async def test_what_is_allowed_without_asking_is_listed_and_taken_back_on_a_phone(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 640})
    menu = alice.page.get_by_role("dialog", name="Account")
    await alice.page.get_by_role("button", name="Account").click()
    await expect(menu).to_contain_text("Nothing. What you allow for longer than once is listed here.")
    await alice.page.keyboard.press("Escape")
    await alice.ask("Please generate a random number between 1 and 6")
    card = alice.call("get_random_number")
    await card.get_by_role("combobox", name="For how long").select_option("person")
    await card.get_by_role("button", name="Approve").click()
    await alice.finished()
    await alice.page.get_by_role("button", name="Account").click()
    listed = menu.get_by_role("listitem").filter(has_text="get_random_number")
    await expect(listed).to_contain_text("in any chat")
    assert await menu.evaluate(
        "(e) => [e.scrollWidth - e.clientWidth, Math.max(0, e.offsetHeight - innerHeight)]"
    ) == [0, 0]
    await listed.get_by_role("button", name="Revoke get_random_number").click()
    await expect(listed).to_have_count(0)
    await expect(menu.get_by_role("region", name="Allowed without asking")).to_be_focused()
    await alice.page.keyboard.press("Escape")
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.call("get_random_number", 1).get_by_role("button", name="Approve")).to_be_visible()
