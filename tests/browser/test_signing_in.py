"""Signing in and out by the browser's real redirects."""

import re

from playwright.async_api import BrowserContext, expect
from tests.browser.person import ALICE, Person
from tests.browser.stack import Stack


async def test_a_person_signs_in_by_the_tenants_page_and_out_again(
    context: BrowserContext, stack: Stack
) -> None:
    person = Person(await context.new_page(), stack.url)
    page = person.page
    await page.goto(stack.url)
    assert page.url.startswith(stack.cloud.http_url)
    await page.get_by_role("button", name=ALICE).click()
    await person.ready()
    await expect(page).to_have_url(re.compile(re.escape(stack.url)))
    await expect(page.locator(".account")).to_contain_text(ALICE)
    await person.sign_out()
    await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    await page.goto(stack.url)
    assert page.url.startswith(stack.cloud.http_url)


async def test_the_page_names_the_model_and_that_it_is_the_offline_one(alice: Person) -> None:
    await expect(alice.page.locator(".status")).to_contain_text("Demo model (rules, no AI)")
    await alice.ask("hello")
    await alice.says("offline model")
    await expect(alice.conversation).to_contain_text(re.compile(r"[\d,]+ tokens \([\d,]+ in, \d+ out\)"))


async def test_every_module_is_preloaded(alice: Person, stack: Stack) -> None:
    listed = await alice.page.locator('link[rel="modulepreload"]').evaluate_all(
        "(all) => all.map((l) => l.href)"
    )
    await alice.page.wait_for_load_state()  # some are only preloaded
    used = await alice.page.evaluate(
        "performance.getEntriesByType('resource').map((r) => r.name).filter((n) => n.endsWith('.js'))"
    )
    assert {url for url in used if not url.endswith("/main.js")} == set(listed)
    assert {url.partition("/static/js/")[2] for url in listed} == stack.modules - {"main.js"}


async def test_the_back_button_after_signing_in_leads_to_the_chat(alice: Person) -> None:
    await alice.page.go_back()
    await alice.ready()
    await expect(alice.message).to_be_visible()
