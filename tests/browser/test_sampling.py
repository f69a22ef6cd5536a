"""A server may ask for the model's help only where that is switched on, and only when the person agrees."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import BrowserContext, Locator, expect
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.stack import Stack


async def ask_for_a_poem(context: BrowserContext, stack: Stack) -> tuple[Person, Locator]:
    person = await Person(await context.new_page(), stack.open_url).sign_in()
    await person.begin_another()
    await person.ask("Compose a poem")
    await person.approve("compose_poem")
    request = person.page.get_by_role("group", name="Sampling request from playground")
    await expect(request).to_contain_text("hello <img")
    await expect(request).to_contain_text("at most 50 tokens")
    return person, request


async def test_the_prompt_is_shown_and_answered_once_it_is_approved(
    context: BrowserContext, stack: Stack
) -> None:
    person, request = await ask_for_a_poem(context, stack)
    await check_in_every_look(request)
    await request.get_by_role("button", name="Approve").click()
    await person.says("Poem: text")
    await expect(request).to_have_count(0)


async def test_a_prompt_that_is_declined_never_reaches_the_model(
    context: BrowserContext, stack: Stack
) -> None:
    person, request = await ask_for_a_poem(context, stack)
    before = stack.model.requests
    await request.get_by_role("button", name="Decline").click()
    await expect(person.call("compose_poem")).to_contain_text("Failed")
    await person.finished()
    assert stack.model.requests == before + 1  # the answer to the person alone


async def test_a_prompt_that_the_model_cannot_read_whole_says_so_before_it_is_approved(
    alice_with: Callable[..., Awaitable[Person]], stack: Stack
) -> None:
    stack.playground.poem_prompt = "We talk about ships. " * 2_000
    alice = await alice_with(context_window=8_192, sampling=True)
    await alice.ask("Compose a poem")
    await alice.approve("compose_poem")
    request = alice.page.get_by_role("group", name="Sampling request from playground")
    await expect(request).to_contain_text("This is longer than what the model reads for one answer")
    before = stack.model.requests
    await request.get_by_role("button", name="Approve").click()
    await expect(alice.call("compose_poem")).to_contain_text("Failed")
    await alice.finished()
    assert stack.model.requests == before + 1  # the answer to the person alone


async def test_it_is_off_by_default(alice: Person) -> None:
    await alice.ask("Compose a poem")
    await alice.approve("compose_poem")
    await expect(alice.call("compose_poem")).to_contain_text("Failed")
    await expect(alice.page.get_by_role("group", name=re.compile("^Sampling"))).to_have_count(0)
