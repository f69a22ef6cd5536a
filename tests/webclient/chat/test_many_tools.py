"""A thousand tools of ten servers: the model finds the right one, and neither page nor request grows."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.browser.stack import Service
from tests.webclient.conftest import RunChat
from tests.webclient.oddity import Odd
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says

from mcpsecurity.testing import LocalStack

SERVERS = {
    "crm": "customer account lead opportunity contact campaign quote territory partner competitor",
    "hr": "employee vacancy leave salary appraisal onboarding training timesheet team policy",
    "finance": "invoice payment budget expense ledger tax asset forecast reimbursement bank_account",
    "devops": "deployment pipeline container cluster secret certificate alert log_stream release rollback",
    "travel": "flight hotel train rental_car itinerary visa boarding_pass lounge seat luggage",
    "office": "meeting_room calendar_event mailbox document spreadsheet presentation note task reminder form",
    "shop": "product order basket shipment return coupon review warehouse supplier offer",
    "city": "weather parking_space bus_line library museum playground recycling permit pothole street_light",
    "health": "appointment prescription vaccination allergy diagnosis clinic therapy claim ward symptom",
    "media": "song playlist podcast film episode subtitle photo album radio_station concert",
}
VERBS = {
    "get": "Shows one {thing} with all of its details.",
    "list": "Lists every {thing}, newest first.",
    "create": "Creates a new {thing}.",
    "update": "Changes an existing {thing}.",
    "delete": "Deletes a {thing} for good.",
    "search": "Looks for a {thing} by any of its properties.",
    "export": "Writes a {thing} to a file.",
    "share": "Shares a {thing} with somebody else.",
    "archive": "Puts a {thing} into the archive.",
    "approve": "Approves a {thing} that waits for approval.",
}
WANTED = {
    "Please create an invoice for the Miller company": "finance-create_invoice",
    "Which flights are there? List them": "travel-list_flight",
    "I want to approve the vacation leave of Tom": "hr-approve_leave",
    "delete the old coupon": "shop-delete_coupon",
    "search for podcasts about history": "media-search_podcast",
    "Show me the details of my prescription: get it": "health-get_prescription",
    "export the budget as a file": "finance-export_budget",
    "update my calendar event tomorrow": "office-update_calendar_event",
    "archive that playlist": "media-archive_playlist",
    "share the document with Anna": "office-share_document",
    "list all clusters": "devops-list_cluster",
    "create a reminder for Monday": "office-create_reminder",
    "get the parking space near the station": "city-get_parking_space",
    "delete an employee": "hr-delete_employee",
    "search for a hotel in Bern": "travel-search_hotel",
    "approve the reimbursement": "finance-approve_reimbursement",
    "update the shipment's address": "shop-update_shipment",
    "list the vaccinations of my child": "health-list_vaccination",
    "share our customer account with the partner team": "crm-share_account",
    "export the log stream of last night": "devops-export_log_stream",
}


def listed(things: str) -> Iterator[dict[str, Any]]:
    schema = {"type": "object", "properties": {"id": {"type": "string", "description": "Which one."}}}
    for thing in things.split():
        for verb, words in VERBS.items():
            described = words.format(thing=thing.replace("_", " ")) + " Needs its id."
            yield {"name": f"{verb}_{thing}", "description": described, "inputSchema": schema}


@pytest.fixture(scope="module")
async def crowd(local: LocalStack, run_chat: RunChat) -> AsyncIterator[tuple[WebPerson, ScriptedModel]]:
    async with AsyncExitStack() as running:

        async def served(app: Any) -> str:
            service = Service(app)
            await service.start()
            running.push_async_callback(service.stop)
            return f"http://localhost:{service.port}"

        more = []
        for name, things in SERVERS.items():
            odd = Odd(tools={})
            odd.results["tools/list"] = {"tools": list(listed(things))}
            odd.results["tools/call"] = {"content": [{"type": "text", "text": "It is done."}]}
            more.append({"name": name, "url": f"{await served(odd.app)}/mcp"})
        model = ScriptedModel()
        changes = {"azure_openai_endpoint": await served(model.app), "model_api": "chat"}
        url = await running.enter_async_context(run_chat(more_servers=tuple(more), **changes))
        person = await running.enter_async_context(WebPerson(url, local.cloud.ca_file))
        yield await person.sign_in(), model


async def _found(person: WebPerson, model: ScriptedModel, page: Page, text: str) -> list[str]:
    """Ask for something; the model looks for it with these words. Return what it was given by that."""
    model.asked.clear()
    model.turns.extend([calls(("c1", "_tools-find", json.dumps({"words": text}))), says("Done.")])
    await person.command("messages", text=text)
    assert (await page.until("run.done"))["status"] == "completed", model.refused
    before, after = ({t["function"]["name"] for t in asked["tools"]} for asked in model.asked)
    assert "_tools-find" in before
    assert len(after) <= 128
    names = [line.split(": ")[0].removeprefix("- ") for line in model.last[-1]["content"].splitlines()[1:]]
    assert set(names) <= after
    return names


@pytest.mark.slow
async def test_twenty_requests_find_their_tool_among_a_thousand(
    crowd: tuple[WebPerson, ScriptedModel],
) -> None:
    person, model = crowd
    async with person.page() as page:
        found = {text: await _found(person, model, page, text) for text in WANTED}
    first = sum(found[text][0] == right for text, right in WANTED.items())
    assert [text for text, right in WANTED.items() if right not in found[text]] == []
    assert first >= 18, {
        text: (found[text][0], right) for text, right in WANTED.items() if found[text][0] != right
    }


async def test_a_tool_that_was_found_is_approved_called_and_still_there_in_the_next_answer(
    crowd: tuple[WebPerson, ScriptedModel],
) -> None:
    person, model = crowd
    await person.new_chat()
    async with person.page() as page:
        await _found(person, model, page, "create a quote")
        model.turns.extend([calls(("c2", "crm-create_quote", '{"id": "7"}')), says("Done.")])
        call = await person.ask(page, "and now for real")
        assert (call["server"], call["tool"]) == ("crm", "create_quote")
        assert await person.decide(call) == 202
        assert (await page.until("tool.done"))["content"] == [{"type": "text", "text": "It is done."}]
        await page.until("run.done")


async def test_page_and_requests_stay_small_and_say_what_is_searched(
    crowd: tuple[WebPerson, ScriptedModel],
) -> None:
    person, model = crowd
    await person.new_chat()
    model.asked.clear()
    async with person.page() as page:
        await person.command("messages", text="hello")
        await page.until("run.done")
    assert len(json.dumps(model.asked[-1])) < 100_000
    async with person.page() as page:
        assert len(json.dumps(page.snapshot)) < 20_000
        servers = {server["name"]: server for server in page.snapshot["servers"]}
    assert sum(server["tools"] for server in servers.values()) >= 1000
    assert sum(server.get("searched", 0) for server in servers.values()) == 1000
    status, listed = await person.read(f"/api/chats/{person.chat_id}/tools")
    assert status == 200
    assert len(json.dumps(listed)) < 500_000
    assert sum(len(server["list"]) for server in listed["servers"]) >= 1000


async def test_a_tool_that_is_turned_off_is_neither_found_nor_called(
    crowd: tuple[WebPerson, ScriptedModel],
) -> None:
    person, model = crowd
    await person.new_chat()
    async with person.page() as page:
        names = await _found(person, model, page, "list songs")
        assert names[0] == "media-list_song"
        assert (await person.command("tools", server="media", on=False))[0] == 202
        assert (await page.until("tools.changed"))["off"] == [{"server": "media"}]
        model.turns.extend([calls(("c2", "media-list_song", "{}")), says("Done.")])
        await person.command("messages", text="list them")
        await page.until("run.done")
        assert "there is no tool 'media-list_song'" in str(model.last)
        names = await _found(person, model, page, "list songs")
        assert not any(name.startswith("media-") for name in names)
        assert (await person.command("tools", server="media", tool="list_song", on=True))[0] == 202
        assert (await person.command("tools", server="media", tool="list_film", on=False))[0] == 202
        assert (await person.command("tools", server="media", tool="unknown", on=False))[0] == 404
        assert "media-list_song" in await _found(person, model, page, "list songs")
        assert "media-list_film" not in await _found(person, model, page, "list films")
    async with person.page() as page:
        assert page.snapshot["tools_off"] == [{"server": "media", "tool": "list_film"}]
