"""What an earlier release has kept is shown and goes on, in a database that its own code wrote."""

import json
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from tests.browser.stack import Service
from tests.support.programs import postgresql
from tests.webclient.conftest import RunChat
from tests.webclient.person import WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says
from tests.webclient.store.earlier import FILE, TITLES, earlier_server

from mcpsecurity.testing import LocalStack
from mcpsecurity_webclient.store import migrations
from mcpsecurity_webclient.store.engine import database_url, make_engine

ALICE = "alice@contoso.example"
Open = Callable[..., Any]


def rows(file: Path, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608 - our own names


def bodies(kind: str, chat_id: str) -> list[dict[str, Any]]:
    """Return the parts of a kind that the earlier release wrote."""
    parts = [r for r in rows(FILE, "parts") if (r["kind"], r["chat_id"]) == (kind, chat_id)]
    return [json.loads(part["body"]) for part in sorted(parts, key=lambda part: part["position"])]


def expire_in(seconds: float, file: Path) -> None:
    """Let the calls that wait have so much time left from now on."""
    with closing(sqlite3.connect(file)) as database, database:
        for row in rows(file, "parts"):
            body = json.loads(row["body"])
            if body.get("status") == "proposed":
                body["expires_at"] = time.time() + seconds
                database.execute(
                    "UPDATE parts SET body = ? WHERE part_id = ?", [json.dumps(body), row["part_id"]]
                )


async def copied_to(address: str, file: Path) -> None:
    """Put the rows of a file into a schema of the same step in PostgreSQL."""

    def make_schema(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")

    engine = make_engine(database_url(address))
    async with engine.begin() as connection:
        await connection.run_sync(make_schema)
        for table in ("conversations", "parts"):
            for row in rows(file, table):
                names = ", ".join(f":{name}" for name in row)
                await connection.execute(
                    text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({names})"),  # noqa: S608
                    row,
                )
    await engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a database of the earlier release, in which two calls wait."""
    file = tmp_path / "conversations.sqlite3"
    shutil.copyfile(FILE, file)
    expire_in(600, file)
    if request.param == "sqlite":
        yield f"sqlite:///{file}"
        return
    async with postgresql() as (_, url):
        await copied_to(url, file)
        yield url


@pytest.fixture
async def at(local: LocalStack, run_chat: RunChat) -> AsyncIterator[tuple[ScriptedModel, Open]]:
    """The model, and the chat for a database: `async with start(address) as person`."""
    model, odd = ScriptedModel(), earlier_server()
    async with AsyncExitStack() as running:
        endpoint, server = Service(model.app), Service(odd.app)
        for service in (endpoint, server):
            await service.start()
            running.push_async_callback(service.stop)

        @asynccontextmanager
        async def start(address: str, user: str = ALICE) -> AsyncIterator[WebPerson]:
            settings = {
                "azure_openai_endpoint": f"http://localhost:{endpoint.port}",
                "model_api": "chat",
                "more_servers": ({"name": "odd", "url": f"http://localhost:{server.port}/mcp"},),
            }
            async with run_chat(address, **settings) as url, WebPerson(url, local.cloud.ca_file) as person:
                yield await person.sign_in(user)

        yield model, start
    assert model.refused == []


async def opened(person: WebPerson, title: str) -> str:
    """Open the conversation of a title, and return its id."""
    _, body = await person.read("/api/chats")
    (chat_id,) = [chat["chat_id"] for chat in body["chats"] if chat["title"] == title]
    assert await person.open(f"/chats/{chat_id}") == 200
    return str(chat_id)


async def test_all_that_was_kept_is_shown(at: tuple[ScriptedModel, Open], address: str) -> None:
    _, start = at
    for user, titles in TITLES.items():
        async with start(address, user) as person:
            _, listed = await person.read("/api/chats")
            assert {chat["title"]: chat["pinned"] for chat in listed["chats"]} == dict.fromkeys(titles, False)
            for title in titles:
                chat_id = await opened(person, title)
                async with person.page() as page:
                    shown = page.snapshot
                for kept, message in zip(bodies("message", chat_id), shown["messages"], strict=True):
                    assert kept.items() <= message.items()
                    assert message["role"] == "user" or bool(message["html"]) == bool(kept["text"])
                for kept, call in zip(bodies("call", chat_id), shown["calls"], strict=True):
                    for name in ("tool", "arguments", "status", "content", "structured", "reason"):
                        assert call.get(name) == kept.get(name), (title, name)
                assert (shown["forks"], shown["queue"], shown["tools_off"]) == ([], [], [])
                _, exported = await person.read(f"/api/chats/{chat_id}/export?format=json")
                assert [m["text"] for m in exported["messages"]] == [m["text"] for m in shown["messages"]]


async def test_the_model_still_knows_all_and_a_grant_still_holds(
    at: tuple[ScriptedModel, Open], address: str
) -> None:
    model, start = at
    async with start(address) as person:
        await opened(person, "Decisions 🎲")
        async with person.page() as page:
            assert page.snapshot["grants"] == [{"server": "odd", "tool": "note", "scope": "chat"}]
            model.turns += [calls(("c9", "odd-note", '{"text": "more"}')), says("I know it all.")]
            await person.command("messages", text="what do you know?")
            assert (await page.until("tool.decided"))["by"] == "grant"
            await page.until("run.done", status="completed")
    read = json.dumps(model.last)
    for fact in ("725653563933458433", "Two litres of milk.", "Hello, Zo", "It is broken.", "Not today."):
        assert fact in read, fact


async def test_a_message_of_then_is_edited_and_comes_back_and_all_can_be_found_and_pinned(
    at: tuple[ScriptedModel, Open], address: str
) -> None:
    model, start = at
    async with start(address) as person:
        chat_id = await opened(person, "Decisions 🎲")
        async with person.page() as page:
            before = [message["text"] for message in page.snapshot["messages"]]
            ids = [message["message_id"] for message in page.snapshot["messages"]]
            model.turns.append(says("Something else."))
            assert (await person.command(f"messages/{ids[3]}/edit", text="no, this"))[0] == 202
            await page.until("run.done", status="completed")
        assert [turn["content"] for turn in model.last if turn["role"] == "user"] == ["note it", "no, this"]
    async with start(address) as person:
        person.chat_id = chat_id
        async with person.page() as page:
            assert page.snapshot["forks"] == [{"after": ids[2], "open": 2, "of": 2}]
            assert [m["text"] for m in page.snapshot["messages"]][-1] == "Something else."
            assert (await person.command("branches", after=ids[2], open=1))[0] == 202
            model.turns.append(says("Once more."))
            assert (await person.command("regenerate"))[0] == 202
            await page.until("run.done", status="completed")
        assert (await person.command("pin", pinned=True))[0] == 202
        async with person.page() as page:
            assert [m["text"] for m in page.snapshot["messages"]] == [*before[:-1], "Once more."]
        _, found = await person.read("/api/chats?search=and%20THIS")
        assert [(chat["chat_id"], chat["pinned"]) for chat in found["chats"]] == [(chat_id, True)]


async def test_calls_that_waited_wait_still_and_endings_can_be_gone_on_from(
    at: tuple[ScriptedModel, Open], address: str
) -> None:
    model, start = at
    async with start(address) as person:
        await opened(person, "note that, please")
        async with person.page() as page:
            first, second = page.snapshot["calls"]
            assert page.snapshot["run"]["trigger"] == "resume"
            assert await person.decide(first) == 202
            assert await person.decide(second, "decline") == 202
            await page.until("run.done", status="completed")
        async with person.page() as page:
            assert [call["status"] for call in page.snapshot["calls"]] == ["done", "declined"]
            assert page.snapshot["messages"][-1]["text"] == "Done."
        await opened(person, "Endings")
        async with person.page() as page:
            model.turns.append(says("Fourth."))
            assert (await person.command("regenerate"))[0] == 202
            await page.until("run.done", status="completed")
            assert [turn["content"] for turn in model.last[1:]] == ["a long one", "Half of", "one more"]
            (fork,) = [data["forks"] for name, data in page.seen if name == "branch.changed"][-1]
            assert (await person.command("branches", after=fork["after"], open=1))[0] == 202
            assert (await page.until("branch.changed"))["messages"][0]["text"] == "Third."


async def test_calls_whose_time_is_over_have_expired(at: tuple[ScriptedModel, Open], tmp_path: Path) -> None:
    model, start = at
    file = tmp_path / "much-later.sqlite3"
    shutil.copyfile(FILE, file)
    expire_in(-1, file)
    async with start(f"sqlite:///{file}") as person:
        await opened(person, "note that, please")
        async with person.page() as page:
            assert {(call["status"], call["decided_by"]) for call in page.snapshot["calls"]} == {
                ("declined", "timeout")
            }
            assert (await person.command("messages", text="and now?"))[0] == 202
            await page.until("run.done", status="completed")
    assert [turn["role"] for turn in model.last] == ["system", "user", "assistant", "tool", "tool", "user"]
