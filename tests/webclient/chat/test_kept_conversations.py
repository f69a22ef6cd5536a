"""Conversations are kept: over restarts, for their owner alone; nothing that was shown as saved is lost."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.eventually import eventually
from tests.support.programs import postgresql
from tests.webclient.conftest import RunChat
from tests.webclient.person import WebPerson

from mcpsecurity_webclient.store.engine import database_url

ASK = "Please generate a random number between 1 and 6"
BOB = "bob@contoso.example"

MakePerson = Callable[[str], WebPerson]


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/conversations.sqlite3"


async def talked(alice: WebPerson, **decision: Any) -> dict[str, Any]:
    """Ask, approve, and return what the page then shows."""
    async with alice.page() as page:
        call = await alice.ask(page, ASK)
        assert await alice.decide(call, **decision) == 202
        assert (await page.until("run.done"))["status"] == "completed"
    async with alice.page() as page:
        return page.snapshot


def shown(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a snapshot that belongs to the conversation, not to the process."""
    return {key: snapshot[key] for key in ("title", "mode", "messages", "calls", "grants")}


async def test_a_conversation_goes_on_after_a_restart(
    run_chat: RunChat, person: MakePerson, database: str
) -> None:
    async with run_chat(database) as url:
        alice = await person(url).sign_in()
        before, chat_id = await talked(alice, always=True), alice.chat_id

    async with run_chat(database) as url:
        alice = await person(url).sign_in()
        assert alice.chat_id != chat_id  # a new session begins with a new conversation
        assert await alice.open(f"/chats/{chat_id}") == 200
        async with alice.page() as page:
            assert shown(page.snapshot) == shown(before)
            assert before["grants"]
            await alice.command("messages", text="And " + ASK)
            assert (await page.until("tool.decided"))["by"] == "grant"
            assert (await page.until("run.done"))["status"] == "completed"
        status, body = await alice.read("/api/chats")
        assert (status, body["chats"][0]["chat_id"]) == (200, chat_id)


async def test_no_request_finds_conversations_of_others(
    run_chat: RunChat, person: MakePerson, database: str
) -> None:
    async with run_chat(database) as url:
        alice = await person(url).sign_in()
        snapshot, chat_id = await talked(alice), alice.chat_id
    call = snapshot["calls"][0]

    async with run_chat(database) as url:
        bob = await person(url).sign_in(BOB)
        for path in ("catalog", "events", "export", "export?format=json"):
            assert (await bob.read(f"/api/chats/{chat_id}/{path}"))[0] == 404, path
        assert await bob.open(f"/chats/{chat_id}") == 404
        bob.chat_id = chat_id
        for path, body in {
            "messages": {"text": "hello"},
            "regenerate": {},
            "rename": {"title": "mine"},
            "mode": {"mode": "elicitation"},
            "delete": {},
            f"calls/{call['call_id']}/decision": {"decision": "approve", "args_hash": call["args_hash"]},
        }.items():
            assert (await bob.command(path, **body))[0] == 404, path
        assert all(c["chat_id"] != chat_id for c in (await bob.read("/api/chats"))[1]["chats"])
        assert (await bob.read("/api/chats?search=random"))[1]["chats"] == []

        alice = await person(url).sign_in()
        assert await alice.open(f"/chats/{chat_id}") == 200
        async with alice.page() as page:
            assert shown(page.snapshot) == shown(snapshot)


async def test_a_conversation_can_be_searched_for_renamed_and_deleted(
    run_chat: RunChat, person: MakePerson, database: str
) -> None:
    async def found(words: str) -> list[str]:
        status, body = await alice.read(f"/api/chats?search={words}")
        assert status == 200
        return [chat["title"] for chat in body["chats"]]

    async with run_chat(database) as url:
        alice = await person(url).sign_in()
        await talked(alice)
        chat_id = alice.chat_id
        assert await found("RANDOM number") == [ASK]
        assert await found("Zurich") == []
        assert (await alice.command("rename", title="Dice"))[0] == 202

    async with run_chat(database) as url:
        alice = await person(url).sign_in()
        assert await found("dice") == ["Dice"]
        alice.chat_id = chat_id
        assert (await alice.command("delete"))[0] == 202
        assert await found("dice") == []
        assert (await alice.read(f"/api/chats/{chat_id}/export"))[0] == 404


async def test_an_export_has_the_words_the_calls_and_their_results(
    run_chat: RunChat, person: MakePerson
) -> None:
    async with run_chat() as url:
        alice = await person(url).sign_in()
        snapshot = await talked(alice)
        path = f"{url}/api/chats/{alice.chat_id}/export"
        async with alice.http.get(path, params={"format": "json"}) as response:
            assert response.headers["Content-Disposition"].startswith('attachment; filename="Please-generate')
            exported = json.loads(await response.text())
        async with alice.http.get(path) as response:
            assert response.content_type == "text/markdown"
            markdown = await response.text()
        async with alice.http.get(path, params={"format": "exe"}) as response:
            assert response.status == 400
    call, result = exported["messages"][1]["calls"][0], snapshot["calls"][0]["content"][0]["text"]
    assert (call["tool"], call["decided_by"], call["content"][0]["text"]) == (
        "get_random_number",
        "user",
        result,
    )
    assert exported["messages"][-1]["text"] == snapshot["messages"][-1]["text"]
    assert f"# {ASK}" in markdown
    assert "**Tool call** `get_random_number` of Secure MCP server: done (decided by user)" in markdown
    assert snapshot["messages"][-1]["text"] in markdown


async def test_a_message_that_cannot_be_saved_is_not_taken_and_an_answer_is_saved_when_it_can_be(
    run_chat: RunChat, person: MakePerson
) -> None:
    async with postgresql() as (server, address):
        async with run_chat(address) as url:
            alice = await person(url).sign_in()
            chat_id = alice.chat_id
            await alice.command("mode", mode="elicitation")
            async with alice.page() as page:
                assert (await alice.command("messages", text=ASK))[0] == 202
                asked = (await page.until("elicitation.requested"))["elicitation"]
                await server.stop()
                path = f"elicitations/{asked['elicitation_id']}"
                content = {field["name"]: True for field in asked["fields"]}
                assert (await alice.command(path, action="accept", content=content))[0] == 202
                assert (await page.until("toast"))["code"] == "not_saved"
                assert (await page.until("run.done"))["status"] == "completed"
                status, body = await alice.command("messages", text="lost?")
                assert (status, body["error"]["code"], body["error"]["retryable"]) == (503, "not_kept", True)
            async with alice.page() as page:
                assert len([m for m in page.snapshot["messages"] if m["role"] == "user"]) == 1
                before = page.snapshot
            await server.start()
            words = {"search": before["messages"][-1]["text"].split("\n")[0]}

            async def found() -> bool:
                async with alice.http.get(f"{url}/api/chats", params=words) as response:
                    return response.status == 200 and bool((await response.json())["chats"])

            await eventually(found, seconds=60)  # until the answer is in the database

        async with run_chat(address) as url:
            alice = await person(url).sign_in()
            assert await alice.open(f"/chats/{chat_id}") == 200
            async with alice.page() as page:
                assert shown(page.snapshot) == shown(before)


async def test_a_chat_has_its_title_while_its_first_message_is_still_being_saved(
    run_chat: RunChat, person: MakePerson
) -> None:
    async with postgresql() as (_, address), run_chat(address) as url:
        alice = await person(url).sign_in()
        engine = create_async_engine(database_url(address))
        async with alice.page(), asyncio.TaskGroup() as sending, engine.begin() as database:
            await database.execute(text("LOCK TABLE conversations IN EXCLUSIVE MODE"))  # reading goes on
            sent = sending.create_task(alice.command("messages", text=ASK))

            async def listed() -> Any:
                return (await alice.read("/api/chats"))[1]["chats"]

            chats = await eventually(listed, seconds=20)
            assert [chat["title"] for chat in chats] == [ASK]
            assert not sent.done()
        assert sent.result()[0] == 202
        await engine.dispose()


async def test_what_nobody_used_for_longer_than_the_setting_says_is_deleted(
    run_chat: RunChat, person: MakePerson, database: str
) -> None:
    async with run_chat(database) as url:
        alice = await person(url).sign_in()
        await talked(alice)
        chat_id = alice.chat_id

    async with run_chat(database, retention_days=1e-9, sweep_every=0.02) as url:
        alice = await person(url).sign_in()
        async with alice.page() as page:  # a page is open while the sweep comes by
            assert page.snapshot["messages"] == []

        async def gone() -> bool:
            return all(c["chat_id"] != chat_id for c in (await alice.read("/api/chats"))[1]["chats"])

        await eventually(gone, seconds=30)
