"""Two servers and two web chats behind a proxy in turn: the main job, and what each fault may not do."""

import asyncio
import time

import aiohttp
import pytest
from tests.scaling.acting import ASK, TOOL, approved_once, come_back, heard_all, opened_page
from tests.scaling.soak import disturbances, visited
from tests.scaling.topology import Topology
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(240)


async def test_the_main_job_in_both_modes(topology: Topology, somebody: WebPerson) -> None:
    before = await topology.calls_made(TOOL)
    async with somebody.page() as page:
        assert await somebody.decide(await somebody.ask(page, ASK)) == 202
        assert (await page.until("run.done"))["status"] == "completed"
        await somebody.command("mode", mode="elicitation")
        assert (await somebody.command("messages", text=ASK))[0] == 202
        asked = (await page.until("elicitation.requested"))["elicitation"]
        content = {field["name"]: True for field in asked["fields"]}
        path = f"elicitations/{asked['elicitation_id']}"
        assert (await somebody.command(path, action="accept", content=content))[0] == 202
        assert (await page.until("run.done"))["status"] == "completed"
    assert await topology.calls_made(TOOL, before + 2) == before + 2


async def test_a_web_chat_that_is_killed_while_a_question_is_open_says_so_and_why_an_answer_is_too_late(
    topology: Topology, somebody: WebPerson
) -> None:
    before = await topology.calls_made(TOOL)
    await somebody.command("mode", mode="elicitation")
    async with somebody.page() as page:
        assert (await somebody.command("messages", text=ASK))[0] == 202
        asked = (await page.until("elicitation.requested"))["elicitation"]
        await (await topology.owner_of(somebody.oid)).stop(kill=True)
        last = await heard_all(page)
    async with opened_page(somebody, last_id=last) as page:
        ended = await page.until("elicitation.resolved", elicitation_id=asked["elicitation_id"])
        assert (ended["action"], ended["by"]) == ("cancel", "restart")
        call = await page.until("tool.done")
        assert (call["status"], "not known" in call["content"][0]["text"]) == ("failed", True)
        assert (await page.until("run.done"))["error"]["retryable"] is True
    path = f"elicitations/{asked['elicitation_id']}"
    status, body = await somebody.command(path, action="accept", content={})
    assert (status, body["error"]["code"]) == (410, "ended")
    shown = await come_back(somebody)
    assert (shown["elicitations"], shown["run"]) == ([], None)
    assert [m["text"] for m in shown["messages"] if m["role"] == "user"] == [ASK]
    assert await topology.calls_made(TOOL) == before


async def test_a_server_that_is_killed_while_its_question_is_open_ends_the_call_with_an_error(
    topology: Topology, somebody: WebPerson
) -> None:
    await somebody.command("mode", mode="elicitation")
    async with somebody.page() as page:
        assert (await somebody.command("messages", text=ASK))[0] == 202
        await page.until("elicitation.requested")
        page.patience = 90
        for replica in topology.mcp:
            await replica.stop(kill=True)
            await replica.start()
        ended = await page.until("run.done")
        assert ended["status"] in ("completed", "failed")
    shown = await come_back(somebody)
    assert shown["elicitations"] == []
    assert all(call["status"] in ("failed", "cancelled") for call in shown["calls"])
    await somebody.command("mode", mode="manual")
    await approved_once(somebody, topology)


async def test_a_rolling_restart_under_load_loses_no_request_of_a_server(
    local: LocalStack, topology: Topology
) -> None:
    stop, made = asyncio.Event(), [0, 0]

    async def client() -> None:
        headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        call["params"] = {"name": "get_current_date_time", "arguments": {}}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}}
        begin = {"jsonrpc": "2.0", "id": 0, "method": "initialize"}
        begin["params"] = params | {"clientInfo": {"name": "load", "version": "1"}}
        async with aiohttp.ClientSession() as http:
            async with http.post(topology.mcp_url, json=begin, headers=headers) as response:
                assert response.status == 200, await response.text()
                headers["Mcp-Session-Id"] = response.headers["Mcp-Session-Id"]
            while not stop.is_set():
                async with http.post(topology.mcp_url, json=call, headers=headers) as response:
                    made[response.status != 200] += 1
                    if response.status != 200:  # refused, not lost: the next round is the retry
                        assert response.status in (502, 503), await response.text()
                        await asyncio.sleep(0.05)

    token = local.tokens("alice")
    clients = [asyncio.create_task(client()) for _ in range(8)]
    async with asyncio.timeout(90):
        while made[0] < 100:  # noqa: ASYNC110 - all are at work
            await asyncio.sleep(0.05)
    for replica in topology.mcp:
        await replica.stop()
        await replica.start()
    stop.set()
    async with asyncio.timeout(90):
        await asyncio.gather(*clients)
    assert made[0] > 100


async def test_a_rolling_restart_of_everything_while_people_talk_loses_nothing_and_makes_no_call_twice(
    local: LocalStack, topology: Topology
) -> None:
    roll = disturbances(topology, local)["all replicas are restarted in turn"]
    tally, held = await visited(topology, local, 4, time.monotonic() + 20, roll)
    assert held, tally


async def test_an_answer_that_is_written_when_its_web_chat_is_told_to_stop_comes_to_its_end(
    local: LocalStack, topology: Topology, somebody: WebPerson
) -> None:
    local.cloud.model.pace = 0.5
    async with somebody.page() as page:
        assert (await somebody.command("messages", text="hello"))[0] == 202
        await page.until("message.delta")
        stopping = asyncio.create_task((await topology.owner_of(somebody.oid)).stop())
        await asyncio.sleep(0)  # it is told to
        local.cloud.model.pace = 0.0  # the rest comes after the pause that is under way
        await stopping
    answer = (await come_back(somebody))["messages"][-1]
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "stop")
    assert "offline model" in answer["text"]


async def test_an_answer_that_takes_too_long_to_wait_for_is_cut_and_can_be_asked_for_again(
    local: LocalStack, topology: Topology, somebody: WebPerson
) -> None:
    local.cloud.model.pace = 0.5
    async with somebody.page() as page:
        assert (await somebody.command("messages", text="hello"))[0] == 202
        await page.until("message.delta")
        await (await topology.owner_of(somebody.oid)).stop()
    local.cloud.model.pace = 0.0
    answer = (await come_back(somebody))["messages"][-1]
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "stopped")
    async with opened_page(somebody) as page:
        assert (await somebody.command("regenerate"))[0] == 202
        assert (await page.until("run.done"))["status"] == "completed"
    again = (await come_back(somebody))["messages"]
    assert [message["role"] for message in again] == ["user", "assistant"]
    assert len(again[-1]["text"]) > len(answer["text"])
