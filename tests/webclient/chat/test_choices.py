"""Permissions that last, rules of the operator, and files, with a chat that is restarted."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.browser.stack import Service
from tests.webclient.conftest import RunChat
from tests.webclient.oddity import Odd, tool
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says

from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.testing import LocalStack

ALICE, READER = "alice@contoso.example", "reader@contoso.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
Start = Callable[..., Any]


class House:
    """A server with tools of every kind, a model, and a database that outlives the chat."""

    def __init__(self) -> None:
        self.model = ScriptedModel()
        self.server = Odd(tools={})
        kinds = {"read": {"readOnlyHint": True}, "wipe": {"destructiveHint": True}, "note": None, "pay": None}
        self.server.results["tools/list"] = {
            "tools": [
                {**tool(name, additionalProperties=True), "annotations": a} for name, a in kinds.items()
            ]
        }
        self.server.results["tools/call"] = {"content": [{"type": "text", "text": "Done."}]}

    async def call(self, person: WebPerson, page: Page, name: str, **arguments: Any) -> dict[str, Any]:
        """Have the model call a tool, and return the call."""
        self.model.turns.extend([calls(("c1", f"odd-{name}", json.dumps(arguments))), says("So be it.")])
        return await person.ask(page, f"{name} it")


@pytest.fixture
async def house(local: LocalStack, run_chat: RunChat, tmp_path: Path) -> AsyncIterator[tuple[House, Start]]:
    house = House()
    async with AsyncExitStack() as running:
        endpoint, server = Service(house.model.app), Service(house.server.app)
        for service in (endpoint, server):
            await service.start()
            running.push_async_callback(service.stop)

        @asynccontextmanager
        async def start(
            rules: dict[str, Any] | None = None, user: str = ALICE, **changes: Any
        ) -> AsyncIterator[WebPerson]:
            odd = {"name": "odd", "url": f"http://localhost:{server.port}/mcp", **(rules or {})}
            usual = {"azure_openai_endpoint": f"http://localhost:{endpoint.port}", "model_api": "chat"}
            database = f"sqlite:///{tmp_path}/chats.sqlite3"
            async with (
                run_chat(database, **{"more_servers": (odd,), **usual} | changes) as url,
                WebPerson(url, local.cloud.ca_file) as person,
            ):
                yield await person.sign_in(user)

        yield house, start


async def test_a_tool_that_is_always_allowed_runs_in_every_chat_until_that_is_revoked_or_it_changes(
    house: tuple[House, Start],
) -> None:
    at, start = house
    async with start() as person, person.page() as page:
        call = await at.call(person, page, "note", text="a")
        assert call["grantable"] == ["arguments", "chat", "person"]
        assert await person.decide(call, always="person") == 202
        given = (await page.until("grants.changed"))["grants"]
        assert given == [{"server": "odd", "tool": "note", "scope": "person"}]
        await page.until("run.done")
    async with start() as person:
        await person.new_chat()
        async with person.page() as page:
            assert page.snapshot["grants"] == given
            await at.call(person, page, "note", text="b")
            assert (await page.until("tool.decided"))["by"] == "grant"
            await page.until("run.done")
            assert (await person.command("grants", **given[0]))[0] == 202
            assert (await person.command("grants", **given[0]))[0] == 404
            call = await at.call(person, page, "note", text="c")
            assert await person.decide(call, always="person") == 202
            await page.until("run.done")
    at.server.results["tools/list"]["tools"][2]["description"] = "Sends a note to everybody."
    async with start() as person:
        await person.new_chat()
        async with person.page() as page:
            call = await at.call(person, page, "note", text="d")
            assert (await page.until("grants.changed"))["grants"] == []
            assert await person.decide(call, "decline") == 202


async def test_a_call_can_be_allowed_with_its_arguments_only(house: tuple[House, Start]) -> None:
    at, start = house
    async with start() as person, person.page() as page:
        call = await at.call(person, page, "pay", amount=5)
        assert await person.decide(call, always="arguments") == 202
        (given,) = (await page.until("grants.changed"))["grants"]
        assert (given["scope"], given["arguments"]) == ("arguments", {"amount": 5})
        await page.until("run.done")
        await at.call(person, page, "pay", amount=5)
        assert (await page.until("tool.decided"))["by"] == "grant"
        await page.until("run.done")
        for amount in (50, 5.0, True):
            call = await at.call(person, page, "pay", amount=amount)
            assert await person.decide(call, "decline") == 202, "other arguments are asked about"
            await page.until("run.done")


async def test_what_may_destroy_and_what_the_operator_forbids_always_asks(house: tuple[House, Start]) -> None:
    at, start = house
    async with start({"always_ask": ["pa?"]}, grants=("chat",)) as person, person.page() as page:
        for name, offered in (("wipe", None), ("pay", None), ("note", ["chat"])):
            call = await at.call(person, page, name)
            assert call.get("grantable") == offered
            for scope in ("arguments", "chat", "person"):
                if scope not in (offered or ()):
                    assert await person.decide(call, always=scope) == 422
            assert await person.decide(call, "decline") == 202
            await page.until("run.done")


@pytest.mark.slow
async def test_a_scope_that_the_operator_forbids_is_not_offered_and_what_was_given_in_it_holds_no_longer(
    house: tuple[House, Start],
) -> None:
    at, start = house
    given = {"arguments": "pay", "chat": "read", "person": "note"}
    async with start() as person, person.page() as page:
        for scope, name in given.items():
            assert await person.decide(await at.call(person, page, name), always=scope) == 202
            await page.until("run.done")
        chat = person.chat_id
    for forbidden in given:
        allowed = [scope for scope in given if scope != forbidden]
        async with start(grants=allowed) as person:
            await person.open(f"/chats/{chat}")
            async with person.page() as page:
                for scope, name in given.items():
                    call = await at.call(person, page, name)
                    assert call["grantable"] == allowed
                    if scope == forbidden:
                        assert await person.decide(call, always=scope) == 422
                        assert await person.decide(call, "decline") == 202
                    by = "user" if scope == forbidden else "grant"
                    assert (await page.until("tool.decided"))["by"] == by
                    await page.until("run.done")


async def test_an_app_role_lets_a_person_see_the_tools_that_are_for_it(
    house: tuple[House, Start], local: LocalStack
) -> None:
    at, start = house
    oid = "10ca1c10-0d00-4000-8000-00000000eade"
    reader = User("Reader", READER, oid, home_oid=oid, web_roles=("Other", "Reader"))
    local.cloud.tenant.directory.users[READER] = reader
    rules = {"roles": {"re*": ["Reader", "Writer"], "wipe": ["Writer"]}}
    for user, seen in ((READER, {"read", "note", "pay"}), (ALICE, {"note", "pay"})):
        async with start(rules, user) as person, person.page() as page:
            listed = (await person.read(f"/api/chats/{person.chat_id}/tools"))[1]["servers"][-1]["list"]
            assert {tool["name"] for tool in listed} == seen
            at.model.turns.append(says("Hello."))
            await person.command("messages", text="hello")
            await page.until("run.done", status="completed")
            given = {t["function"]["name"] for t in at.model.asked[-1]["tools"]}
            assert {name.removeprefix("odd-") for name in given if name.startswith("odd-")} == seen


async def test_operators_say_who_sees_which_tool_and_what_runs_unasked(house: tuple[House, Start]) -> None:
    at, start = house
    rules = {"exclude": ["pay"], "never_ask": ["*"], "refuse": ["note"], "roles": {"re*": ["Reader"]}}
    async with start(rules) as person, person.page() as page:
        listed = (await person.read(f"/api/chats/{person.chat_id}/tools"))[1]["servers"][-1]["list"]
        assert {t["name"]: t.get("rule") for t in listed} == {"wipe": "never_ask", "note": "refuse"}
        call = await at.call(person, page, "wipe")
        assert call["status"] == "proposed", "what says that it may destroy asks in any case"
        assert await person.decide(call, "decline") == 202
        await page.until("run.done")
        given = {t["function"]["name"] for t in at.model.asked[-1]["tools"]}
        assert {name for name in given if name.startswith("odd-")} == {"odd-wipe"}
    async with start({"never_ask": ["note"]}) as person, person.page() as page:
        await at.call(person, page, "note")
        assert (await page.until("tool.decided"))["by"] == "operator"
        await page.until("run.done")


async def test_the_default_server_takes_the_operators_rules_too(house: tuple[House, Start]) -> None:
    at, start = house
    rules = {"name": "Tools", "include": ["get_*"], "refuse": ["get_city_weather"], "never_ask": ["*time"]}
    async with start(more_servers=(rules,)) as person, person.page() as page:
        (tools,) = (await person.read(f"/api/chats/{person.chat_id}/tools"))[1]["servers"]
        assert (tools["name"], tools["title"]) == ("Tools", "Secure MCP server")
        listed = {tool["name"]: tool.get("rule") for tool in tools["list"]}
        assert all(name.startswith("get_") for name in listed)
        assert (listed["get_city_weather"], listed["get_current_date_time"]) == ("refuse", "never_ask")
        at.model.turns.extend([calls(("c1", "Tools-get_current_date_time", "{}")), says("Late.")])
        await person.ask(page, "the time")
        assert (await page.until("tool.decided"))["by"] == "operator"
        await page.until("elicitation.requested")  # the server asks by itself


@pytest.mark.parametrize("more", [{"url": "http://localhost:1/mcp"}, {"scope": "api://other/tools"}])
async def test_only_its_own_keys_say_where_the_default_server_is(
    house: tuple[House, Start], more: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="MCP_SERVER_URL and MCP_SERVER_SCOPE say where"):
        await house[1](more_servers=({"name": "Tools", **more},)).__aenter__()


async def test_a_picture_that_the_model_refuses_does_not_end_the_conversation(
    house: tuple[House, Start], caplog: pytest.LogCaptureFixture
) -> None:
    at, start = house

    async def refuse(_: web.Request) -> web.StreamResponse:
        error = {"message": "At most 0 image(s) may be provided in one prompt."}  # vLLM
        return web.json_response({"error": error}, status=400)

    at.model.turns += [refuse, says("I see no cat.")]
    picture = {"name": "cat.png", "data": base64.b64encode(PNG).decode()}
    async with start(model_images=True) as person, person.page() as page:
        assert (await person.command("messages", text="look", files=[picture]))[0] == 202
        assert (await page.until("run.done"))["status"] == "completed"
        assert (await person.command("messages", text="and now?"))[0] == 202
        assert (await page.until("run.done"))["status"] == "completed"
    assert ["data:image" in str(asked["messages"]) for asked in at.model.asked] == [True, False, False]
    assert "MCPSECURITY_MODEL_IMAGES=false" in caplog.text


async def test_files_reach_the_model_and_a_picture_only_one_that_sees(house: tuple[House, Start]) -> None:
    at, start = house
    picture = {"name": "cat.png", "data": base64.b64encode(PNG).decode()}
    notes = {"name": "notes.md", "data": base64.b64encode(b"# Milk").decode()}
    async with start(model_images=False) as person, person.page() as page:
        assert page.snapshot["model"]["images"] is False
        assert (await person.command("messages", text="look", files=[picture]))[0] == 422
        assert (await person.command("messages", text="", files=[notes]))[0] == 202
        said = (await page.until("message.added"))["message"]
        assert said["files"] == [{"name": "notes.md", "mime_type": "text/markdown", "size": 6}]
        await page.until("run.done")
        assert "# Milk" in str(at.model.last[-2])
        assert "without words" in str(at.model.last[-1])
        chat = person.chat_id
    async with start(model_images=True) as person:
        await person.open(f"/chats/{chat}")
        async with person.page() as page:
            assert (await person.command("messages", text="look", files=[picture]))[0] == 202
            await page.until("run.done")
            assert "data:image/png;base64," in str(at.model.last[-2])
    async with start(model_images=True) as person:
        await person.open(f"/chats/{chat}")
        async with person.page() as page:
            edited = next(m["message_id"] for m in page.snapshot["messages"] if m["text"] == "look")
            assert (await person.command(f"messages/{edited}/edit", text="look again"))[0] == 202
            await page.until("run.done")
            assert "data:image/png;base64," in str(at.model.last[-2]), "files stay with an edited message"
    assert at.model.refused == []
