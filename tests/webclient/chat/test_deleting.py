"""A chat that is deleted while its answer runs leaves nothing behind."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.eventually import eventually
from tests.webclient.chat.conftest import Desk, Open
from tests.webclient.person import Page
from tests.webclient.scripted_model import calls, says


def tasks() -> Counter[str]:
    """Return the names of what runs in this process, without the handlers of connections."""
    names = (task.get_name() for task in asyncio.all_tasks() if not task.done())
    return Counter(name for name in names if not name.startswith("Task-"))


def stored(database: Path, chat_id: str) -> int:
    """Return how many rows belong to a chat."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        columns = {t: [c[1] for c in connection.execute(f"PRAGMA table_info({t})")] for t in tables}
        having = [table for table in tables if "chat_id" in columns[table]]
        assert len(having) >= 2, tables
        counts = (f"SELECT count(*) FROM {table} WHERE chat_id = ?" for table in having)  # noqa: S608 - ours
        return sum(connection.execute(count, (chat_id,)).fetchone()[0] for count in counts)


async def running(at: Desk, page: Page) -> None:
    """Begin an answer whose tool is at work, and let a message wait for its end."""
    asked = asyncio.Event()
    at.server.holds["tools/call"] = asked, asyncio.Event()
    at.model.turns.extend([calls(("c1", "odd-note", "{}")), says("Noted."), says("Never.")])
    assert await at.person.decide(await at.person.ask(page, "note it")) == 202
    async with asyncio.timeout(30):
        await asked.wait()
    assert (await at.person.command("messages", text="and then?", queue=True))[0] == 202


async def test_nothing_is_left_of_a_chat_that_is_deleted_while_its_answer_runs(
    desk: Open, tmp_path: Path
) -> None:
    at = await desk()
    async with at.person.page() as other:
        while [server["status"] for server in other.snapshot["servers"]] != ["ready", "ready"]:
            other.snapshot |= await other.until("servers.changed")
        before = await eventually(lambda: tasks() if "conversations" not in tasks() else None)
        chat = await at.person.new_chat()
        async with at.person.page() as page:
            await running(at, page)
            assert stored(tmp_path / "chats.sqlite3", chat) > 2
            assert (await at.person.command("delete"))[0] == 202
            with pytest.raises(EOFError):
                await page.until("the end of the stream")
        await other.until("chats.changed")
        await eventually(lambda: not tasks() - before)
        assert stored(tmp_path / "chats.sqlite3", chat) == 0
        assert [told["method"] for told in at.server.told].count("notifications/cancelled") == 1
    assert len(at.model.asked) == 1, "what waited is not sent"
    assert await at.person.open(f"/chats/{chat}") == 404
    assert chat not in str(await at.person.read("/api/chats"))
