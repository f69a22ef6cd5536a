"""What people and clients do in tests of faults."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from tests.scaling.topology import Topology
from tests.webclient.person import Event, Page, WebPerson

__all__ = [
    "ASK",
    "TOOL",
    "approved_once",
    "come_back",
    "heard_all",
    "opened_page",
    "statuses",
    "tool_call",
]

ASK = "Please generate a random number between 1 and 6"
TOOL = "get_random_number"
_HEADERS = {"Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def opened_page(
    person: WebPerson, patience: float = 40.0, last_id: str | None = None
) -> AsyncIterator[Page]:
    """Open the conversation as its page does, however often it takes; `last_id` is what the page saw last."""
    refused: Exception | None = None
    try:
        async with asyncio.timeout(patience):
            while True:
                page = person.page(last_id=last_id)
                try:
                    opened = await page.__aenter__()
                    break
                except (aiohttp.ClientError, AssertionError, EOFError) as error:
                    refused = error
                    await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError("the conversation cannot be opened again") from refused
    try:
        yield opened
    finally:
        await page.__aexit__(None, None, None)


async def heard_all(page: Page) -> str:
    """Read on until the connection of a page breaks; return the id of its last event."""
    with suppress(EOFError, aiohttp.ClientError):
        while True:
            await page.next()
    return page.last_id


async def come_back(person: WebPerson) -> Event:
    """Open the conversation again; return what it shows."""
    async with opened_page(person) as page:
        return page.snapshot


async def approved_once(person: WebPerson, topology: Topology, command: str = "regenerate") -> None:
    """Ask for an answer and approve its call, which is made once."""
    before = await topology.calls_made(TOOL)
    body = {"text": ASK} if command == "messages" else {}
    async with opened_page(person) as page:
        status, said = await person.command(command, **body)
        assert status == 202, said
        call = (await page.until("tool.proposed"))["call"]
        assert await person.decide(call) == 202
        assert (await page.until("run.done"))["status"] == "completed"
    assert await topology.calls_made(TOOL, before + 1) == before + 1


async def statuses(token: str, *urls: str) -> list[int]:
    """Begin a session with a token at each of these addresses; return how each answers."""
    params: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {}}
    params["clientInfo"] = {"name": "tests", "version": "1"}
    begin = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    found = []
    async with aiohttp.ClientSession(headers=_HEADERS | {"Authorization": f"Bearer {token}"}) as http:
        for url in urls:
            async with http.post(url, json=begin) as response:
                found.append(response.status)
    return found


def tool_call(tool: str, **arguments: Any) -> Event:
    """Return the request that calls a tool."""
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
