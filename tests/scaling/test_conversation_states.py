"""Every state of a conversation goes to another replica: versions, notes, grants, tools, files, queue."""

import base64
from typing import Any

import pytest
from tests.scaling.acting import come_back, heard_all, opened_page
from tests.scaling.topology import Topology
from tests.webclient.person import Event, Page, WebPerson

from mcpsecurity.testing import LocalStack, calls, says

pytestmark = pytest.mark.timeout(240)

LONG = "hello hello " * 1_100
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()


def kept(shown: Event) -> dict[str, Any]:
    """Return the part of a snapshot that belongs to the conversation, not to the process."""
    names = (
        "title",
        "mode",
        "messages",
        "calls",
        "grants",
        "forks",
        "queue",
        "tools_off",
        "context",
        "model",
    )
    return {name: shown[name] for name in names}


async def said(person: WebPerson, page: Page, command: str, **body: Any) -> Any:
    """Send a command that has an answer written, and wait for its end."""
    status, answer = await person.command(command, **body)
    assert status == 202, answer
    await page.until("run.done", status="completed")
    return answer


async def made_rich(person: WebPerson, page: Page, local: LocalStack) -> Event:
    """Bring a conversation into every state; return the call that waits."""
    assert (await person.command("model", model="small"))[0] == 202
    for _ in range(5):
        await said(person, page, "messages", text=LONG)
    assert (await person.command("model", model="seeing"))[0] == 202  # which reads it all, the note included
    await said(person, page, "messages", text="hello again", files=[{"name": "a.txt", "data": "QUFB"}])
    for answer in ("second", "third"):
        local.model.will(says(answer))
        await said(person, page, "regenerate")
    fork = next(data for name, data in reversed(page.seen) if name == "branch.changed")["forks"][-1]
    assert (fork["open"], fork["of"]) == (3, 3)
    assert (await person.command("branches", after=fork["after"], open=2))[0] == 202
    edited = await said(person, page, "messages", text="hello you")
    await said(person, page, f"messages/{edited['message_id']}/edit", text="hello there")
    local.model.will(calls("playground-read_ledger"), says("Read."))
    call = await person.ask(page, "the ledger")
    assert await person.decide(call, always="chat") == 202
    await page.until("run.done", status="completed")
    local.model.will(calls("playground-paint_painting"), says("Painted."))
    call = await person.ask(page, "a painting")
    assert await person.decide(call, always="person") == 202
    await page.until("run.done", status="completed")
    assert (await person.command("tools", server="playground", tool="run_marathon", on=False))[0] == 202
    assert (await person.command("pin", pinned=True))[0] == 202
    local.model.will(calls("playground-do_errand"))
    call = await person.ask(page, "an errand")
    waits = {"text": "and then?", "files": [{"name": "b.png", "data": PICTURE}], "queue": True}
    assert (await person.command("messages", **waits))[0] == 202
    assert (await person.command("messages", text="never mind", queue=True))[0] == 202
    return call


async def test_every_state_of_a_conversation_survives_its_replica_and_two_tabs_see_the_same(
    topology: Topology, local: LocalStack, somebody: WebPerson
) -> None:
    async with somebody.page() as first:
        call = await made_rich(somebody, first, local)
        async with somebody.page() as second:
            before = second.snapshot
            await (await topology.owner_of(somebody.oid)).stop(kill=True)
            lasts = [await heard_all(first), await heard_all(second)]
    assert lasts[0] == lasts[1]
    after = await come_back(somebody)
    assert kept(after) == kept(before)
    assert (after["context"]["note"]["messages"] > 0, len(after["queue"])) == (True, 2)
    assert [(f["open"], f["of"]) for f in after["forks"]] == [(2, 3), (2, 2)]
    listed = (await somebody.read("/api/chats"))[1]["chats"]
    assert [(chat["pinned"], chat["waiting"]) for chat in listed] == [(True, 1)]
    async with (
        opened_page(somebody, last_id=lasts[0]) as first,
        opened_page(somebody, last_id=lasts[1]) as second,
    ):
        local.model.will(
            says("Done."), says("A square."), calls("playground-paint_painting"), says("Once more.")
        )
        taken = f"queue/{after['queue'][1]['message_id']}/take-back"
        assert sorted([(await somebody.command(taken))[0] for _ in range(2)]) == [202, 404]
        assert await somebody.decide(call) == 202
        assert (await first.until("message.added"))["message"]["files"][0]["name"] == "b.png"
        await first.until("run.done", status="completed")
        assert PICTURE in str(local.model.asked[-1].messages)
        assert (await somebody.command("messages", text="a painting"))[0] == 202
        assert (await first.until("tool.decided"))["by"] == "grant"
        await first.until("run.done", status="completed")
        assert "playground-run_marathon" not in str(local.model.asked[-1].tools)
        while second.ids[-1:] != first.ids[-1:]:
            await second.next()
        assert second.seen == first.seen
    shown = await come_back(somebody)
    assert (await somebody.command("branches", after=shown["forks"][0]["after"], open=1))[0] == 202
    assert len((await come_back(somebody))["messages"]) < len(shown["messages"])
