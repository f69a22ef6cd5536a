"""A message that was written while an answer is waits with all that belongs to it."""

import asyncio
import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.support.eventually import eventually
from tests.webclient.chat.conftest import Desk, Open
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import calls, says

from mcpsecurity_webclient.chat.files import MOST_BYTES

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def file(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "data": base64.b64encode(content).decode()}


async def fetched(person: WebPerson, message_id: str, number: int) -> tuple[int, str, bytes]:
    """Return the status, the type and the bytes of a file of a message."""
    path = f"{person.url}/api/chats/{person.chat_id}/messages/{message_id}/files/{number}"
    async with person.http.get(path) as response:
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, response.content_type, await response.read()


async def wait(at: Desk, text: str, *files: dict[str, str], **more: Any) -> tuple[int, Any]:
    """Send a message that may wait."""
    return await at.person.command("messages", text=text, files=list(files), queue=True, **more)


async def busy(at: Desk, page: Page) -> dict[str, Any]:
    """Begin an answer, and return the call that it waits for."""
    at.model.turns.append(calls(("c1", "odd-note", "{}")))
    return await at.person.ask(page, "note it")


async def test_files_wait_with_their_message_over_a_restart_and_are_sent_with_it(desk: Open) -> None:
    at = await desk(model_images=True)
    async with at.person.page() as page:
        await busy(at, page)
        status, body = await wait(at, "look", file("cat.png", PNG), file("list.md", b"# Milk"))
        assert (status, body["run_id"]) == (202, None)
        assert (await page.until("queue.changed"))["queue"][0]["files"] == [
            {"name": "cat.png", "mime_type": "image/png", "size": len(PNG)},
            {"name": "list.md", "mime_type": "text/markdown", "size": 6},
        ]
    chat, said = at.person.chat_id, body["message_id"]
    at = await desk(f"/chats/{chat}", model_images=True)
    assert await fetched(at.person, said, 0) == (200, "image/png", PNG)
    assert await fetched(at.person, said, 1) == (200, "application/octet-stream", b"# Milk")
    async with at.person.page() as page:
        at.model.turns.extend([says("Noted."), says("I see.")])
        assert await at.person.decide(page.snapshot["calls"][0]) == 202
        sent = (await page.until("message.added"))["message"]
        assert [f["name"] for f in sent["files"]] == ["cat.png", "list.md"]
        await page.until("run.done")
    read = str(at.model.last)
    assert "# Milk" in read
    assert base64.b64encode(PNG).decode() in read
    at = await desk(f"/chats/{chat}", model_images=True)
    assert await fetched(at.person, said, 0) == (200, "image/png", PNG)
    assert (await fetched(at.person, said, 1))[0] == 404, "the model read a text; it is not kept as a file"
    assert (await fetched(at.person, said, 2))[0] == 404
    assert (await fetched(at.person, "unknown", 0))[0] == 404
    await at.person.sign_in("bob@contoso.example")
    at.person.chat_id = chat
    assert (await fetched(at.person, said, 0))[0] == 404, "nobody else gets it"


async def test_what_cannot_wait_is_refused_at_once(desk: Open) -> None:
    at = await desk(model_images=False)
    async with at.person.page() as page:
        await busy(at, page)
        assert (await wait(at, "look", file("cat.png", PNG)))[0] == 422
        half = file("half.txt", b"x" * (MOST_BYTES // 2 + 1))
        assert (await wait(at, "read", half))[0] == 202
        status, body = await wait(at, "read this, too", half)
        assert (status, list(body["error"]["fields"])) == (422, ["files"])
    assert [waiting["text"] for waiting in (await at.shown())["queue"]] == ["read"]


async def test_a_message_that_is_taken_back_while_it_is_sent_is_not_sent(desk: Open) -> None:
    at = await desk()
    asked, proceed = asyncio.Event(), asyncio.Event()
    slow = {"contents": [{"uri": "memo://slow", "text": "Slow."}]}
    async with at.person.page() as page:
        call = await busy(at, page)
        _, first = await wait(at, "one", attachments=[{"server": "odd", "uri": "memo://slow"}])
        await wait(at, "two")
        at.server.results["resources/read"] = slow
        at.server.holds["resources/read"] = (asked, proceed)
        at.model.turns.extend([says("Noted."), says("Second.")])
        await at.person.decide(call)
        await page.until("run.done")
        async with asyncio.timeout(30):
            await asked.wait()
        assert (await at.person.command(f"queue/{first['message_id']}/take-back"))[0] == 202
        proceed.set()
        assert (await page.until("message.added"))["message"]["text"] == "two"
        await page.until("run.done")
    shown = await at.shown()
    assert (shown["texts"][-2:], shown["queue"]) == (["two", "Second."], [])


@pytest.mark.slow
async def test_a_message_is_sent_after_a_stop_that_takes_longer_than_its_command_waits(
    desk: Open, tmp_path: Path
) -> None:
    at = await desk()
    async with at.person.page() as page:
        await busy(at, page)
        await wait(at, "next")
        run_id = page.seen[-1][1]["run_id"]
        at.model.turns.append(says("Here it is."))
        with closing(sqlite3.connect(tmp_path / "chats.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = asyncio.create_task(wait(at, "is not saved"))

            async def being_saved() -> bool:
                return len((await at.shown())["queue"]) == 2

            await eventually(being_saved)  # for as long as a stop waits: what it saves comes after that
            assert (await at.person.command(f"runs/{run_id}/stop"))[0] == 202
            assert (await first)[0] == 503
            other.execute("ROLLBACK")
        await page.until("run.done", status="stopped")
        await page.until("run.done", status="completed")
    shown = await at.shown()
    assert (shown["texts"][-2:], shown["queue"]) == (["next", "Here it is."], [])


async def test_two_tabs_that_send_the_same_waiting_message_send_it_once(desk: Open) -> None:
    async def broken(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"code": "unknown", "message": "no"}}, status=400)

    at = await desk()
    async with at.person.page() as page:
        call = await busy(at, page)
        _, body = await wait(at, "one")
        at.model.turns.extend([broken, says("First."), says("Again.")])
        await at.person.decide(call)
        await page.until("run.done", status="failed")
        path = f"queue/{body['message_id']}/send"
        answers = await asyncio.gather(*(at.person.command(path) for _ in range(3)))
        statuses = sorted(status for status, _ in answers)
        assert (statuses[0], {*statuses[1:]} - {404, 409}) == (202, set())
        await page.until("run.done", status="completed")
    shown = await at.shown()
    assert (shown["texts"].count("one"), shown["texts"][-1], shown["queue"]) == (1, "First.", [])
