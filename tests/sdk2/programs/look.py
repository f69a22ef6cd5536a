"""A client on the official SDK 2.x that lists all that a server offers, and uses some of it.

Reads a job from the standard input: `url`, `mode` ("legacy", "auto" or "sse"), `calls` and `prompts` (pairs
of a name and arguments) and `resources` (URIs). Answers each question with the name Ada, each sampling with
"hello".
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CreateMessageResult, ElicitResult, TextContent


async def main() -> None:
    """Do the job."""
    job = json.load(sys.stdin)
    older = job["mode"] == "sse"
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=30, follow_redirects=True) as http,
        Client(
            sse_client(job["url"]) if older else streamable_http_client(job["url"], http_client=http),
            mode="legacy" if older else job["mode"],
            elicitation_callback=elicited,
            sampling_callback=sampled,
        ) as client,
    ):
        offers = client.server_capabilities
        told: dict[str, Any] = {"version": client.session.protocol_version}
        told["tools"] = await pages(client.list_tools, "tools") if offers.tools else []
        told["prompts"] = await pages(client.list_prompts, "prompts") if offers.prompts else []
        told["resources"] = await pages(client.list_resources, "resources") if offers.resources else []
        told["calls"] = [await outcome(client.call_tool(name, given)) for name, given in job["calls"]]
        told["messages"] = [await outcome(client.get_prompt(name, given)) for name, given in job["prompts"]]
        told["contents"] = [await outcome(client.read_resource(uri)) for uri in job["resources"]]
    json.dump(told, sys.stdout)


async def elicited(_: Any, params: Any) -> ElicitResult:
    """Answer a question."""
    return ElicitResult(action="accept", content={"name": "Ada"})


async def sampled(_: Any, params: Any) -> CreateMessageResult:
    """Answer for a model."""
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="hello"), model="m")


async def pages(fetch: Any, key: str) -> list[Any]:
    """Return what all pages of a list have."""
    found, cursor = [], None
    while True:
        page = await fetch(cursor=cursor)
        found += [dumped(item) for item in getattr(page, key)]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def outcome(work: Awaitable[Any]) -> dict[str, Any]:
    """Return the result, or the code of the error that came instead."""
    try:
        return {"result": dumped(await work)}
    except MCPError as error:
        return {"error": error.error.code}


def dumped(item: Any) -> Any:
    """Return a message as JSON."""
    return item.model_dump(mode="json", by_alias=True, exclude_none=True)


asyncio.run(main())
