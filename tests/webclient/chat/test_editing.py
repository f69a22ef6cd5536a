"""What was said can be changed: each version is kept, and what was written meanwhile waits."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.browser.stack import Service
from tests.webclient.conftest import RunChat
from tests.webclient.oddity import Odd, tool
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says

from mcpsecurity.testing import LocalStack

Open = Callable[..., Any]


class Desk:
    """A chat with a scripted model that can be restarted, and a person at it."""

    def __init__(self, model: ScriptedModel, person: WebPerson) -> None:
        self.model = model
        self.person = person

    async def say(self, page: Page, text: str, answer: str) -> str:
        """Say something, have it answered so, and return the message's id."""
        self.model.turns.append(says(answer))
        status, body = await self.person.command("messages", text=text)
        assert status == 202, body
        await page.until("run.done")
        return str(body["message_id"])

    async def shown(self) -> dict[str, Any]:
        """Return the texts, and which versions are open."""
        async with self.person.page() as page:
            shown = page.snapshot
        forks = [(f["after"] and "…", f["open"], f["of"]) for f in shown["forks"]]
        return {"texts": [m["text"] for m in shown["messages"]], "forks": forks, "queue": shown["queue"]}

    def read_by_model(self) -> list[str]:
        """Return what the model was sent last, without the system message."""
        return [str(message["content"]) for message in self.model.last[1:]]


@pytest.fixture
async def desk(local: LocalStack, run_chat: RunChat, tmp_path: Path) -> AsyncIterator[Callable[[], Any]]:
    """Opens the chat, and after that again as another process: `await desk()`."""
    model, port = ScriptedModel(), 0
    odd = Odd(tools={})
    odd.results["tools/list"] = {"tools": [tool("note")]}
    odd.results["tools/call"] = {"content": [{"type": "text", "text": "Noted."}]}
    endpoint, server = Service(model.app), Service(odd.app)
    async with AsyncExitStack() as running:
        for service in (endpoint, server):
            await service.start()
            running.push_async_callback(service.stop)
        opened: list[AsyncExitStack] = []

        async def start(path: str = "/") -> Desk:
            nonlocal port
            while opened:
                await opened.pop().aclose()
            stack = AsyncExitStack()
            opened.append(stack)
            url = await stack.enter_async_context(
                run_chat(
                    f"sqlite:///{tmp_path}/chats.sqlite3",
                    port=port or None,
                    azure_openai_endpoint=f"http://localhost:{endpoint.port}",
                    model_api="chat",
                    more_servers=({"name": "odd", "url": f"http://localhost:{server.port}/mcp"},),
                )
            )
            port = int(url.rpartition(":")[2])
            person = await stack.enter_async_context(WebPerson(url, local.cloud.ca_file))
            await person.sign_in()
            await person.open(path)
            return Desk(model, person)

        yield start
        while opened:
            await opened.pop().aclose()
    assert model.refused == []


async def test_an_edited_message_is_another_version_and_the_one_before_comes_back_after_a_restart(
    desk: Open,
) -> None:
    at = await desk()
    async with at.person.page() as page:
        first = await at.say(page, "one", "1")
        await at.say(page, "two", "2")
        at.model.turns.append(says("uno"))
        status, body = await at.person.command(f"messages/{first}/edit", text="eins")
        assert status == 202
        changed = await page.until("branch.changed")
        assert (changed["after"], changed["messages"][0]["text"]) == (None, "eins")
        await page.until("run.done")
    assert at.read_by_model() == ["eins"]
    shown = {"texts": ["eins", "uno"], "forks": [(None, 2, 2)], "queue": []}
    assert await at.shown() == shown
    chat = at.person.chat_id
    at = await desk(f"/chats/{chat}")
    assert await at.shown() == shown
    async with at.person.page() as page:
        assert (await at.person.command("branches", after=None, open=1))[0] == 202
        assert [m["text"] for m in (await page.until("branch.changed"))["messages"]] == [
            "one",
            "1",
            "two",
            "2",
        ]
        await at.say(page, "three", "3")
    assert at.read_by_model() == ["one", "1", "two", "2", "three"]
    assert (await at.person.command("branches", after=None, open=3))[0] == 404
    assert (await at.person.command("branches", after=body["message_id"], open=1))[0] == 404
    at = await desk(f"/chats/{chat}")
    assert (await at.shown())["texts"] == ["one", "1", "two", "2", "three", "3"]


async def test_another_answer_keeps_the_first_and_versions_lie_within_versions(desk: Open) -> None:
    at = await desk()
    async with at.person.page() as page:
        first = await at.say(page, "one", "1")
        for answer in ("uno", "une"):
            at.model.turns.append(says(answer))
            assert (await at.person.command("regenerate"))[0] == 202
            await page.until("run.done")
        assert (await at.shown())["forks"] == [("…", 3, 3)]
        assert at.read_by_model() == ["one"]
        await at.say(page, "two", "2")
        assert (await at.person.command("branches", after=first, open=1))[0] == 202
        assert (await at.shown())["texts"] == ["one", "1"]
        await at.person.command("branches", after=first, open=3)
        assert (await at.shown())["texts"] == ["one", "une", "two", "2"]
        at.model.turns.append(says("zwei!"))
        second = (await at.person.read(f"/api/chats/{at.person.chat_id}/export?format=json"))[1]
        edited = second["messages"][2]["message_id"]
        await at.person.command(f"messages/{edited}/edit", text="zwei")
        await page.until("run.done")
    assert await at.shown() == {
        "texts": ["one", "une", "zwei", "zwei!"],
        "forks": [("…", 3, 3), ("…", 2, 2)],
        "queue": [],
    }
    await at.person.command("branches", after=first, open=2)
    assert await at.shown() == {"texts": ["one", "uno"], "forks": [("…", 2, 3)], "queue": []}
    await at.person.command("branches", after=first, open=3)
    assert (await at.shown())["texts"] == ["one", "une", "zwei", "zwei!"]
    _, exported = await at.person.read(f"/api/chats/{at.person.chat_id}/export?format=json")
    assert [m["text"] for m in exported["messages"]] == ["one", "une", "zwei", "zwei!"]


async def test_a_deleted_message_and_its_calls_can_be_brought_back(desk: Open) -> None:
    at = await desk()
    async with at.person.page() as page:
        at.model.turns.extend([calls(("c1", "odd-note", "{}")), says("It is noted.")])
        call = await at.person.ask(page, "note it")
        await at.person.decide(call)
        await page.until("run.done")
        said = call["message_id"]
        asked = page.seen[0][1]["messages"] or [m["message"] for n, m in page.seen if n == "message.added"]
        message_id = asked[0]["message_id"]
        assert (await at.person.command(f"messages/{said}/delete"))[0] == 404, "an answer is not the person's"
        assert (await at.person.command(f"messages/{message_id}/delete"))[0] == 202
        assert (await page.until("branch.changed"))["messages"] == []
    assert (await at.shown())["texts"] == []
    chat = at.person.chat_id
    at = await desk(f"/chats/{chat}")
    assert chat in {entry["chat_id"] for entry in (await at.person.read("/api/chats"))[1]["chats"]}
    async with at.person.page() as page:
        await at.say(page, "something else", "Yes.")
        assert at.read_by_model() == ["something else"]
        assert (await at.person.command("branches", after=None, open=1))[0] == 202
        back = await page.until("branch.changed")
        assert [(c["tool"], c["status"]) for c in back["calls"]] == [("note", "done")]
        await at.say(page, "and again", "Yes.")
    assert "Noted." in json.dumps(at.model.last)


async def test_a_message_written_meanwhile_waits_is_taken_back_or_sent_at_the_end(desk: Open) -> None:
    at = await desk()
    async with at.person.page() as page:
        at.model.turns.extend([calls(("c1", "odd-note", "{}")), says("It is noted."), says("Second.")])
        call = await at.person.ask(page, "note it")
        for text in ("next", "never mind"):
            status, body = await at.person.command("messages", text=text, queue=True)
            assert (status, body["run_id"]) == (202, None)
        assert (await at.person.command("messages", text="now"))[0] == 409
        assert (await at.person.command(f"queue/{body['message_id']}/take-back"))[0] == 202
        assert (await at.person.command(f"queue/{body['message_id']}/take-back"))[0] == 404
        assert [q["text"] for q in (await at.shown())["queue"]] == ["next"]
        await at.person.decide(call)
        assert (await page.until("queue.changed", queue=[]))["queue"] == []
        assert (await page.until("message.added"))["message"]["text"] == "next"
        await page.until("run.done")
    assert (await at.shown())["texts"][-2:] == ["next", "Second."]


async def test_what_waits_survives_a_restart_and_is_sent_when_the_person_says_so(desk: Open) -> None:
    at = await desk()
    async with at.person.page() as page:
        at.model.turns.append(calls(("c1", "odd-note", "{}")))
        await at.person.ask(page, "note it")
        await at.person.command("messages", text="next", queue=True)
    chat = at.person.chat_id
    at = await desk(f"/chats/{chat}")
    async with at.person.page() as page:
        (waiting,) = page.snapshot["queue"]
        assert (await at.person.command(f"queue/{waiting['message_id']}/send"))[0] == 409
        assert (await at.person.command(f"runs/{page.snapshot['run']['run_id']}/stop"))[0] == 202
        assert (await page.until("message.added"))["message"]["text"] == "next", "a stop lets it be sent"
        await page.until("run.done", status="completed")
    assert (await at.shown())["queue"] == []


async def test_an_answer_is_marked_and_the_mark_is_kept_and_exported(desk: Open) -> None:
    at = await desk()
    async with at.person.page() as page:
        said = await at.say(page, "one", "1")
        answer = [data["message"] for name, data in page.seen if name == "message.done"][-1]["message_id"]
        assert (await at.person.command(f"messages/{said}/feedback", feedback="up"))[0] == 404
        assert (await at.person.command(f"messages/{answer}/feedback", feedback="sideways"))[0] == 400
        assert (await at.person.command(f"messages/{answer}/feedback", feedback="up"))[0] == 202
        assert (await page.until("message.feedback"))["feedback"] == "up"
    chat = at.person.chat_id
    at = await desk(f"/chats/{chat}")
    _, exported = await at.person.read(f"/api/chats/{chat}/export?format=json")
    assert exported["messages"][1]["feedback"] == "up"
