"""A conversation survives the replica that leads it, with what the person was being asked."""

import sys
from pathlib import Path

import pytest
from tests.browser.playground import Playground
from tests.scaling.acting import ASK, TOOL, come_back, heard_all, opened_page
from tests.scaling.topology import Topology
from tests.support.ports import free_port
from tests.support.programs import Program, unmeasured
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(240)


async def test_approvals_survive_the_killed_replica_and_each_call_is_made_once_or_never_as_it_is_decided(
    topology: Topology, somebody: WebPerson
) -> None:
    before = await topology.calls_made(TOOL)
    async with somebody.page() as page:
        first = await somebody.ask(page, "Please generate two random numbers between 1 and 6")
        second = (await page.until("tool.proposed"))["call"]
        await page.until("message.done")
        await (await topology.owner_of(somebody.oid)).stop(kill=True)
        last = await heard_all(page)
    async with opened_page(somebody, last_id=last) as page:
        assert (await page.next())[1]["trigger"] == "resume"
        snapshot = await come_back(somebody)
        assert (snapshot["calls"], snapshot["run"]["trigger"]) == ([first, second], "resume")
        assert await somebody.decide(first, "decline") == 202
        assert await somebody.decide(second) == 202
        assert (await page.until("run.done"))["status"] == "completed"
        assert [await somebody.decide(call) for call in (first, second)] == [409, 409]
    shown = await come_back(somebody)
    assert [c["status"] for c in shown["calls"]] == ["declined", "done"]
    assert [m["role"] for m in shown["messages"]] == ["user", "assistant", "assistant"]
    assert await topology.calls_made(TOOL, before + 1) == before + 1


async def test_an_approval_survives_a_rolling_restart(topology: Topology, somebody: WebPerson) -> None:
    before = await topology.calls_made(TOOL)
    async with somebody.page() as page:
        call = await somebody.ask(page, ASK)
    for replica in topology.web:
        await replica.restart()
    async with opened_page(somebody) as page:
        assert page.snapshot["calls"] == [call]
        assert await somebody.decide(call) == 202
        assert (await page.until("run.done"))["status"] == "completed"
    assert await topology.calls_made(TOOL, before + 1) == before + 1


async def test_an_approval_survives_the_only_process_that_is_killed(
    local: LocalStack, playground_server: tuple[Playground, str], tmp_path: Path
) -> None:
    playground, url = playground_server
    playground.reset()
    playground.proceed.set()
    port = free_port()
    environment = {
        **unmeasured(),
        **local.environment,
        "WEBCLIENT_URL": f"http://localhost:{port}",
        "WEBCLIENT_PORT": str(port),
        "WEBCLIENT_CLIENT_ID": local.cloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": local.cloud.web_client_secret,
        "WEBCLIENT_DATABASE_URL": f"sqlite:///{tmp_path}/conversations.sqlite3",
        "MCP_SERVER_URL": url,
        "MCP_SERVER_APP_ID_URI": url,
    }
    local.cloud.register_webclient_url(environment["WEBCLIENT_URL"])
    command = [sys.executable, "-m", "mcpsecurity", "webclient"]
    chat = Program(command, port, environment=environment, log=tmp_path / "log")
    await chat.start()
    try:
        async with WebPerson(environment["WEBCLIENT_URL"], local.cloud.ca_file) as person:
            await person.sign_in()
            async with person.page() as page:
                call = await person.ask(page, "Run a marathon")
            chat_id = person.chat_id
            await chat.stop(kill=True)
            await chat.start()
            await person.sign_in()
            assert await person.open(f"/chats/{chat_id}") == 200
            async with person.page() as page:
                assert page.snapshot["calls"] == [call]
                assert await person.decide(call) == 202
                assert (await page.until("run.done"))["status"] == "completed"
    finally:
        await chat.stop()
    assert len(playground.calls) == 1
