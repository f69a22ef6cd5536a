"""States of the page that a person can reach, one after the other in one tab."""

from collections.abc import AsyncIterator, Awaitable, Callable

from playwright.async_api import FilePayload, Locator, expect
from tests.browser.person import Person

__all__ = ["MENUS", "TALK", "Scene", "play"]

Scene = Callable[[Person], Awaitable[Locator]]
"""Brings the page to a state and returns what is only there in this state."""

DICE = "Please generate a random number between 1 and 6"


async def play(person: Person, scenes: tuple[Scene, ...]) -> AsyncIterator[tuple[str, Locator]]:
    """Bring the page to one state after the other; yield the name of each and what shows it."""
    for scene in scenes:
        await person.page.set_viewport_size({"width": 1280, "height": 800})
        shown = await scene(person)
        await expect(shown).to_be_visible()
        yield scene.__name__, shown
        await person.page.keyboard.press("Escape")


async def account_menu(person: Person) -> Locator:
    await person.page.get_by_role("button", name="Account").click()
    return person.page.get_by_role("dialog", name="Account")


async def shortcuts(person: Person) -> Locator:
    await person.page.keyboard.press("Control+/")
    return person.page.get_by_role("dialog", name="Keyboard shortcuts")


async def tools(person: Person) -> Locator:
    await person.page.get_by_role("button", name="Chat menu").click()
    await person.page.get_by_role("button", name="Tools", exact=True).click()
    dialog = person.page.get_by_role("dialog", name="Tools of this chat")
    await dialog.get_by_text("playground", exact=True).click()
    await dialog.get_by_text("Marathon", exact=True).click()
    await dialog.get_by_role("switch", name="Use Poem").uncheck()
    return dialog.get_by_text("Needs: kilometres (optional)")


async def resources_and_templates(person: Person) -> Locator:
    await person.page.get_by_role("button", name="Attach a resource").click()
    menu = person.page.get_by_role("dialog", name="Attach a resource")
    await menu.get_by_role("button", name="System overview").click()
    await menu.get_by_text("Notes of a day").click()
    return menu.get_by_label("subject")


async def files(person: Person) -> Locator:
    minutes = FilePayload(name="minutes.md", mimeType="text/markdown", buffer=b"# Minutes")
    program = FilePayload(name="program", mimeType="application/octet-stream", buffer=bytes(range(64)))
    await person.page.locator("#file-input").set_input_files([minutes, program])
    return person.page.get_by_role("list", name="Files").get_by_text("is neither text nor a picture")


async def model_choice(person: Person) -> Locator:
    choice = person.page.get_by_label("Model", exact=True)
    await choice.click()
    return choice.get_by_role("option", name="Small")


async def table(person: Person) -> Locator:
    await person.ask("Read the ledger")
    await person.approve("read_ledger")
    await person.finished()
    card = person.call("read_ledger")
    await card.locator("summary.card-line").click()
    return card.get_by_role("columnheader", name="customer")


async def error(person: Person) -> Locator:
    await person.ask("Cause an explosion")
    await person.approve("cause_explosion")
    await person.finished()
    card = person.call("cause_explosion")
    await card.locator("summary.card-line").click()
    return card.get_by_text("Error executing tool")


async def form(person: Person) -> Locator:
    await person.choose("Elicitation")
    await person.notices.get_by_role("button", name="Dismiss").click()  # it would go by itself after a while
    await person.ask("Fill in a survey")
    return person.request()


async def error_and_versions(person: Person) -> Locator:
    await error(person)
    message = person.page.locator(".message.user").first
    await message.hover()
    await message.get_by_role("button", name="Edit message").click()
    await message.get_by_role("textbox", name="What you said").fill("Cause an explosion")
    await message.get_by_role("button", name="Save and ask").click()
    await person.approve("cause_explosion")
    await person.finished()
    await person.call("cause_explosion").locator("summary.card-line").click()
    return person.page.get_by_text("2 of 2").first


async def many_calls(person: Person) -> Locator:
    await person.ask("Please generate 4 random numbers")
    await person.page.get_by_role("button", name="Approve all").click()
    await person.finished()
    group = person.conversation.get_by_text("4 calls")
    await group.click()
    return group


async def second_step(person: Person) -> Locator:
    await person.ask("Demolish the house")
    await person.approve("demolish_house")
    return person.call("demolish_house").get_by_role("button", name="Approve and run")


async def queue_and_grants(person: Person) -> Locator:
    await person.call("demolish_house").get_by_role("button", name="Go back").click()
    await person.decline("demolish_house")
    await person.finished()
    await person.ask("Run a marathon")
    await person.call("run_marathon").get_by_role("checkbox", name="Don't ask again").check()
    await person.approve("run_marathon")
    await expect(person.page.get_by_role("group", name="Always allowed in this chat")).to_be_visible()
    await person.message.fill("And what then?")
    await person.message.press("Enter")
    return person.page.get_by_role("list", name="Messages that wait").get_by_role("listitem")


async def chats_with_a_row_menu(person: Person) -> Locator:
    await person.begin_another()
    await person.ask(DICE)
    await expect(person.call("get_random_number")).to_be_visible()
    await person.begin_another()
    row = person.page.get_by_role("navigation", name="Chats").get_by_role("listitem").filter(has_text=DICE)
    await expect(row.get_by_title("1 needs your decision")).to_be_visible()
    await row.hover()
    await row.get_by_role("button", name="Menu of").click()
    return person.page.get_by_role("dialog", name="Chat menu")


MENUS: tuple[Scene, ...] = (account_menu, shortcuts, tools, resources_and_templates, files, model_choice)
TALK: tuple[Scene, ...] = (
    table,
    error_and_versions,
    many_calls,
    second_step,
    queue_and_grants,
    chats_with_a_row_menu,
)
