"""What was said can be changed: each version is kept, and what was written meanwhile waits."""

import json
from base64 import b64encode

from tests.webclient.chat.conftest import Open
from tests.webclient.scripted_model import calls, says
from tests.webclient.visitor import Visitor


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


async def test_what_went_along_stays_as_far_as_the_person_says(desk: Open) -> None:
    at = await desk()
    milk, bread = ({"name": f"{n}.md", "data": b64encode(n.encode()).decode()} for n in ("milk", "bread"))
    async with at.person.page() as page:
        at.model.turns.append(says("1"))
        _, sent = await at.person.command("messages", text="one", files=[milk, bread])
        await page.until("run.done")
        edit = f"messages/{sent['message_id']}/edit"
        assert (await at.person.command(edit, text="two", files=[2]))[0] == 404
        assert (await at.person.command(edit, text="two", files=[], attachments=[0]))[0] == 404
        assert (await at.person.command(edit, text="", files=[]))[0] == 422
        assert (await at.shown())["texts"] == ["one", "1"]
        at.model.turns.append(says("2"))
        assert (await at.person.command(edit, text="", files=[1], attachments=[]))[0] == 202
        changed = (await page.until("branch.changed"))["messages"][0]
        await page.until("run.done")
    assert (changed["text"], [file["name"] for file in changed["files"]]) == ("", ["bread.md"])
    words, nothing = at.read_by_model()
    assert words.endswith("bread")
    assert nothing == "[The person sent this without words.]"


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


async def test_a_chat_from_which_everything_was_taken_out_is_no_empty_one(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        said = (await visitor.command("messages", {"text": "hello"})).body["message_id"]
        await stream.until("run.done")
    assert (await visitor.command(f"messages/{said}/delete")).status == 202
    chat = visitor.chat_id
    await visitor.sign_out()
    await visitor.sign_in()
    await visitor.open(f"/chats/{chat}")
    assert (await visitor.command("branches", {"after": None, "open": 1})).status == 202
    assert (await visitor.snapshot())["messages"][0]["text"] == "hello"


async def test_a_title_that_the_person_gave_stays_after_the_first_message(visitor: Visitor) -> None:
    await visitor.command("rename", {"title": "Mine"})
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
    assert (await visitor.snapshot())["title"] == "Mine"


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
