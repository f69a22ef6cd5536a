"""A decimal has the digits that the model wrote: on the card, in the call, after an edit or a restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from tests.browser.stack import Service, Stack
from tests.client.modern import Modern, asks, done, result
from tests.webclient.conftest import NewPerson, ServeWeb, new_user
from tests.webclient.events import EventStream
from tests.webclient.oddity import Odd, tool
from tests.webclient.visitor import Answer, Visitor

from mcpsecurity.runtime.exact_decimals import dumps, loads
from mcpsecurity.testing import calls, says

LONG = "0.123456789012345678901234567890"
GIVEN = f'{{"amount": 1.10, "rates": [{LONG}, 5e0, 12345678901234567890.50, 1e400], "why": "1.10"}}'
EDITED = GIVEN.replace('"why": "1.10"', '"why": "tip"')
STRUCTURED = f'{{"paid": 1.10, "rate": {LONG}}}'


class Shop(Odd):
    """A server whose one tool takes any arguments; `bodies` are its calls, byte for byte."""

    def __init__(self) -> None:
        super().__init__(tools={})
        self.bodies: list[str] = []
        self.results["tools/list"] = {"tools": [tool("pay", additionalProperties=True)]}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        if "tools/call" not in body:
            return await super()._answer(request)
        self.bodies.append(body.replace(" ", ""))
        result = f'{{"content": [{{"type": "text", "text": "Paid."}}], "structuredContent": {STRUCTURED}}}'
        answer = f'{{"jsonrpc": "2.0", "id": {loads(body)["id"]}, "result": {result}}}'
        return web.Response(text=answer, content_type="application/json")


class Till:
    """Chats of one person at one database, with the shop as their only other server."""

    def __init__(
        self, stack: Stack, serve_web: ServeWeb, visitors: NewPerson, shop: Shop, **settings: Any
    ) -> None:
        self.shop = shop
        self._stack, self._serve_web, self._visitors, self._settings = stack, serve_web, visitors, settings
        self._user = new_user(stack)
        self._chat_id = ""

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[tuple[Visitor, EventStream]]:
        async with self._serve_web(**self._settings | changes) as url:
            visitor = await self._visitors(self._user, url).sign_in()
            if self._chat_id:
                await visitor.open(f"/chats/{self._chat_id}")
            self._chat_id = visitor.chat_id
            async with visitor.stream() as stream:
                yield visitor, stream

    async def proposed(self, visitor: Visitor, stream: EventStream, arguments: str = GIVEN) -> dict[str, Any]:
        self._stack.model.script.turns.extend([calls("shop-pay", arguments), says("Paid.")])
        await visitor.ask("Please pay")
        call: dict[str, Any] = (await stream.until("tool.proposed"))["call"]
        return call


@pytest.fixture
async def till(stack: Stack, serve_web: ServeWeb, visitors: NewPerson, tmp_path: Path) -> AsyncIterator[Till]:
    shop = Shop()
    service = Service(shop.app)
    await service.start()
    server = {"name": "shop", "url": f"http://localhost:{service.port}/mcp"}
    database = SecretStr(f"sqlite:///{tmp_path}/chats.sqlite3")
    yield Till(stack, serve_web, visitors, shop, more_servers=(server,), database_url=database)
    stack.model.script.clear()
    await service.stop()


async def decide(visitor: Visitor, call: dict[str, Any], **more: Any) -> Answer:
    """Approve a call as the page does, whose JSON has exact numbers."""
    body = dumps({"decision": "approve", "args_hash": call["args_hash"], **more})
    headers = {"Content-Type": "application/json"}
    return await visitor.command(f"calls/{call['call_id']}/decision", data=body, headers=headers)


def sent(arguments: str) -> str:
    return f'"arguments":{arguments}'.replace(" ", "")


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_card_call_and_result_have_the_digits(till: Till, api: str) -> None:
    async with till.open(model_api=api) as (visitor, stream):
        call = await till.proposed(visitor, stream)
        assert dumps(call["arguments"]) == GIVEN
        assert (await decide(visitor, call)).status == 202
        decided = await stream.until("tool.decided")
        assert (dumps(decided["arguments"]), decided["edited"]) == (GIVEN, False)
        assert dumps((await stream.until("tool.done"))["structured"]) == STRUCTURED
        await stream.until("run.done", status="completed")
        exported = (await visitor.get(f"/api/chats/{visitor.chat_id}/export?format=json")).body
    assert sent(GIVEN) in till.shop.bodies[0]
    assert f'"rate": {LONG}' in dumps(exported)


async def test_an_edit_changes_what_was_edited(till: Till) -> None:
    async with till.open() as (visitor, stream):
        call = await till.proposed(visitor, stream)
        unchanged = {**call["arguments"], "why": "tip"}
        assert (await decide(visitor, call, arguments=unchanged)).status == 202
        decided = await stream.until("tool.decided")
        assert (dumps(decided["arguments"]), decided["edited"]) == (EDITED, True)
        await stream.until("run.done", status="completed")
        again = await till.proposed(visitor, stream)
        assert (await decide(visitor, again, arguments=again["arguments"])).status == 202
        assert (await stream.until("tool.decided"))["edited"] is False
        await stream.until("run.done", status="completed")
        other = await till.proposed(visitor, stream)
        assert (await decide(visitor, other, arguments={**other["arguments"], "amount": 1.1})).status == 202
        assert (await stream.until("tool.decided"))["edited"] is True
        await stream.until("run.done", status="completed")
    wanted = (EDITED, GIVEN, GIVEN.replace("1.10,", "1.1,", 1))
    assert [sent(given) in body for given, body in zip(wanted, till.shop.bodies, strict=True)] == [True] * 3


async def test_a_grant_holds_for_these_digits_also_after_a_restart(till: Till) -> None:
    async with till.open() as (visitor, stream):
        call = await till.proposed(visitor, stream)
        assert (await decide(visitor, call, always="arguments")).status == 202
        await stream.until("run.done", status="completed")
    async with till.open() as (visitor, stream):
        (grant,) = (await stream.until("snapshot"))["grants"]
        assert dumps(grant["arguments"]) == GIVEN
        await till.proposed(visitor, stream)
        await stream.until("run.done", status="completed")
        other = await till.proposed(visitor, stream, GIVEN.replace("1.10,", "1.1,", 1))
        assert other["status"] == "proposed"
        assert len(till.shop.bodies) == 2
        assert (await decide(visitor, other)).status == 202
        await stream.until("run.done", status="completed")
    assert [sent(GIVEN) in body for body in till.shop.bodies] == [True, True, False]


async def test_a_call_that_waits_keeps_its_digits_over_a_restart(till: Till) -> None:
    async with till.open() as (visitor, stream):
        await till.proposed(visitor, stream)
    async with till.open() as (visitor, stream):
        (call,) = (await stream.until("snapshot"))["calls"]
        assert dumps(call["arguments"]) == GIVEN
        assert (await decide(visitor, call)).status == 202
        await stream.until("run.done", status="completed")
    assert sent(GIVEN) in till.shop.bodies[0]
    async with till.open() as (visitor, stream):
        (call,) = (await stream.until("snapshot"))["calls"]
        assert dumps(call["structured"]) == STRUCTURED


class Cashier(Modern):
    """A server without sessions that asks for a number; `answers_in` are the calls that have the answers."""

    def __init__(self) -> None:
        schema = {"type": "object", "properties": {"price": {"type": "number", "minimum": 1}}}
        question = {"method": "elicitation/create", "params": {"message": "?", "requestedSchema": schema}}
        listed = {"tools": [tool("pay")], "ttlMs": 0, "cacheScope": "private"}
        super().__init__(
            {"tools/list": [lambda m: result(m, listed)], "tools/call": [asks("s", one=question), done]}
        )
        self.answers_in: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "inputResponses" in (body := (await request.read()).decode()):
            self.answers_in.append(body.replace(" ", ""))
        return await super().handle(request)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/mcp", self.handle)
        return app


async def test_a_number_that_a_person_types_into_a_form_keeps_its_digits(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    cashier = Cashier()
    service = Service(cashier.app)
    await service.start()
    server = {"name": "shop", "url": f"http://localhost:{service.port}/mcp"}
    stack.model.script.turns.extend([calls("shop-pay"), says("Paid.")])
    async with serve_web(more_servers=(server,)) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("Please pay")
            await decide(visitor, (await stream.until("tool.proposed"))["call"])
            asked = (await stream.until("elicitation.requested"))["elicitation"]
            body = '{"action": "accept", "content": {"price": 1.10}}'
            path = f"elicitations/{asked['elicitation_id']}"
            answer = await visitor.command(path, data=body, headers={"Content-Type": "application/json"})
            assert answer.status == 202, answer.body
            await stream.until("run.done", status="completed")
    await service.stop()
    (sent_back,) = cashier.answers_in
    assert '"content":{"price":1.10}' in sent_back
