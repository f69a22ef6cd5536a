"""A replica is killed while it writes an answer or runs a tool: what was shown stays, nothing runs twice."""

import asyncio

import pytest
from tests.browser.playground import Playground
from tests.scaling.acting import ASK, approved_once, come_back, heard_all, opened_page
from tests.scaling.topology import Topology
from tests.webclient.person import Event, WebPerson

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(240)


def of_user(shown: Event) -> list[str]:
    return [message["text"] for message in shown["messages"] if message["role"] == "user"]


async def test_a_page_goes_on_without_hole_or_doubling_when_its_web_chat_is_killed_while_an_answer_streams(
    topology: Topology, local: LocalStack, somebody: WebPerson
) -> None:
    local.cloud.model.pace = 0.3
    async with somebody.page() as page:
        assert (await somebody.command("messages", text="hello"))[0] == 202
        for _ in range(4):
            await page.until("message.delta")
        await (await topology.owner_of(somebody.oid)).stop(kill=True)
        last = await heard_all(page)
    local.cloud.model.pace = 0.0
    async with opened_page(somebody, last_id=last) as again:
        done = await again.until("run.done")
        assert (done["status"], done["error"]["code"]) == ("failed", "interrupted")
    epoch, _, number = page.ids[0].rpartition("-")
    ids = page.ids + again.ids
    assert ids == [f"{epoch}-{n}" for n in range(int(number), int(number) + len(ids))]
    said = [data for name, data in page.seen + again.seen if name == "message.delta"]
    written = "".join(delta["text"] for delta in said)
    shown = await come_back(somebody)
    answer = shown["messages"][-1]
    assert (of_user(shown), shown["run"]) == (["hello"], None)
    assert (answer["text"], answer["finish_reason"]) == (written, "stopped")
    assert [data["message"] for name, data in again.seen if name == "message.done"] == [answer]
    async with opened_page(somebody) as page:
        assert (await somebody.command("regenerate"))[0] == 202
        assert (await page.until("run.done"))["status"] == "completed"


async def test_a_web_chat_that_is_killed_while_a_tool_runs_says_so_and_never_calls_it_again(
    topology: Topology, playground: Playground, somebody: WebPerson
) -> None:
    async with somebody.page() as page:
        call = await somebody.ask(page, "Run a marathon")
        assert await somebody.decide(call) == 202
        await page.until("tool.progress")
        await (await topology.owner_of(somebody.oid)).stop(kill=True)
    shown = await come_back(somebody)
    playground.proceed.set()
    assert [c["status"] for c in shown["calls"]] == ["failed"]
    assert "not known" in str(shown["calls"][0]["content"])
    assert await somebody.decide(call) == 409
    assert len(playground.calls) == 1
    async with opened_page(somebody) as page:  # the retry asks for approval again
        assert (await somebody.command("regenerate"))[0] == 202
        again = (await page.until("tool.proposed"))["call"]
        assert await somebody.decide(again, "decline") == 202
        await page.until("run.done")
    assert len(playground.calls) == 1


async def test_servers_that_are_killed_while_a_tool_runs_end_the_call_with_an_error_and_repeat_it_never(
    topology: Topology, local: LocalStack, somebody: WebPerson
) -> None:
    local.faults.weather.slow = 60.0
    before = await topology.calls_made("get_city_weather")
    async with somebody.page() as page:
        call = await somebody.ask(page, "What is the weather in Zurich?")
        assert await somebody.decide(call) == 202
        await page.until("tool.started")
        for replica in topology.mcp:
            await replica.stop(kill=True)
            await replica.start()
        local.faults.clear()
        page.patience = 60
        ended = await page.until("tool.done")
        assert ended["status"] == "failed"
        assert (await page.until("run.done"))["status"] in ("completed", "failed")
    assert await topology.calls_made("get_city_weather") == before
    await approved_once(somebody, topology, "messages")


async def test_when_all_servers_stay_away_their_question_goes_and_the_call_ends_with_an_error(
    topology: Topology, somebody: WebPerson
) -> None:
    await somebody.command("mode", mode="elicitation")
    async with somebody.page() as page:
        assert (await somebody.command("messages", text=ASK))[0] == 202
        await page.until("elicitation.requested")
        await asyncio.gather(*(replica.stop(kill=True) for replica in topology.mcp))
        page.patience = 60  # seconds; a person has 120 to answer
        assert (await page.until("tool.done"))["status"] == "failed"
        assert (await page.until("run.done"))["status"] == "completed"
    shown = await come_back(somebody)
    assert (of_user(shown), shown["elicitations"]) == ([ASK], [])
