"""Redis and PostgreSQL stop, hang and come back: what was shown stays, what cannot go on says so."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from tests.scaling.acting import ASK, TOOL, approved_once, come_back, opened_page
from tests.scaling.topology import Topology
from tests.support.eventually import eventually
from tests.support.programs import Program
from tests.webclient.person import WebPerson

pytestmark = pytest.mark.timeout(240)
AWAY = 11.0
"""Seconds, more than a lease lasts; `make soak` takes thirty."""


@asynccontextmanager
async def hung(program: Program) -> AsyncIterator[None]:
    """Let a program answer nothing meanwhile, with all that is in it."""
    os.kill(program.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(program.pid, signal.SIGCONT)


async def refused(person: WebPerson, text: str) -> None:
    """Send a message that is not taken, and be told so."""
    async with asyncio.timeout(30):
        status, body = await person.command("messages", text=text)
    assert (status, body["error"]["retryable"]) == (503, True), body


async def test_a_redis_that_is_away_for_longer_than_a_lease_makes_no_call_twice(
    topology: Topology, somebody: WebPerson
) -> None:
    before = await topology.calls_made(TOOL)
    async with somebody.page() as page:
        call = await somebody.ask(page, ASK)
        await page.until("message.done")
        async with hung(topology.redis):
            await refused(somebody, "are you there?")
            await asyncio.sleep(AWAY)
    async with asyncio.timeout(30):
        decided = await asyncio.gather(*(somebody.decide(call) for _ in range(4)))
    async with opened_page(somebody) as page:
        if page.snapshot["run"] is not None:
            if 202 not in decided:  # refused while the person was moved: then the call is still open
                decided.append(await somebody.decide(call))
            await page.until("run.done")
    # Any replica may have the conversation: the call is made once or never, and its outcome is shown.
    shown = await come_back(somebody)
    done = sum(c["status"] == "done" for c in shown["calls"])
    made = await topology.calls_made(TOOL, before + done) - before
    assert done == made <= decided.count(202) <= 1
    assert [m["text"] for m in shown["messages"] if m["role"] == "user"] == [ASK]
    await approved_once(somebody, topology)


async def test_a_redis_that_is_restarted_empty_costs_a_sign_in_and_no_conversation(
    topology: Topology, somebody: WebPerson
) -> None:
    await approved_once(somebody, topology, "messages")
    chat = somebody.chat_id
    before = (await come_back(somebody))["messages"]
    await topology.redis.stop(kill=True)
    await refused(somebody, "are you there?")
    await topology.redis.start()
    assert (await somebody.command("messages", text="are you there?"))[0] == 401
    await somebody.sign_in(somebody.name)
    somebody.chat_id = chat
    assert (await come_back(somebody))["messages"] == before
    await approved_once(somebody, topology)


async def test_a_postgresql_that_is_restarted_loses_nothing_that_was_shown(
    topology: Topology, somebody: WebPerson
) -> None:
    await approved_once(somebody, topology, "messages")
    before = (await come_back(somebody))["messages"]
    await topology.database.stop()
    await refused(somebody, "are you there?")
    await topology.database.start()
    assert (await come_back(somebody))["messages"] == before
    await approved_once(somebody, topology)


async def test_an_answer_that_ends_while_postgresql_is_away_is_saved_when_it_is_back(
    topology: Topology, somebody: WebPerson
) -> None:
    await somebody.command("mode", mode="elicitation")
    async with somebody.page() as page:
        assert (await somebody.command("messages", text=ASK))[0] == 202
        asked = (await page.until("elicitation.requested"))["elicitation"]
        await topology.database.stop()
        content = {field["name"]: True for field in asked["fields"]}
        path = f"elicitations/{asked['elicitation_id']}"
        assert (await somebody.command(path, action="accept", content=content))[0] == 202
        page.patience = 60
        await page.until("toast", code="not_saved")
        assert (await page.until("run.done"))["status"] == "completed"
        await topology.database.start()
    shown = (await come_back(somebody))["messages"]
    words = urlencode({"search": shown[-1]["text"].splitlines()[0]})

    async def found() -> bool:
        status, body = await somebody.read(f"/api/chats?{words}")
        return status == 200 and bool(body["chats"])

    await eventually(found, seconds=60)  # the answer is in the database
    await (await topology.owner_of(somebody.oid)).stop(kill=True)
    assert (await come_back(somebody))["messages"] == shown
