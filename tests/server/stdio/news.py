"""A server with the stdio transport that logs, and tells of changes to those who have subscribed."""

import asyncio
import os
from typing import Any

from mcp import types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.stdio import stdio_server
from pydantic import AnyUrl

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class News(Server[Any, Any]):
    """Declares its subscriptions, which the SDK's class does not."""

    level = "warning"
    subscribed: set[str]

    def get_capabilities(self, *given: Any) -> types.ServerCapabilities:
        """Return what it has."""
        found = super().get_capabilities(*given)
        assert found.resources is not None
        found.resources.subscribe = True
        return found


server = News("news")
server.subscribed = set()
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}


@server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
async def list_tools() -> list[types.Tool]:
    names = ("log", "log_later", "change", "state", "end")
    return [types.Tool(name=name, inputSchema=TEXT) for name in names]


@server.list_resources()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
async def list_resources() -> list[types.Resource]:
    return [types.Resource(uri=AnyUrl("news://one"), name="one")]


@server.call_tool()  # type: ignore[untyped-decorator] # the SDK's
async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
    session, text = server.request_context.session, arguments.get("text", "")
    match name:
        case "log":
            await log(session, text)
        case "log_later":
            later.append(asyncio.create_task(after_the_call(session, text)))
        case "change" if text in server.subscribed:
            await session.send_resource_updated(AnyUrl(text))
        case "end":
            os._exit(3)
    state = f"{server.level}: {', '.join(sorted(server.subscribed))}"
    return [types.TextContent(type="text", text=state)]


async def log(session: Any, text: str) -> None:
    """Log a text by the level that it names first, if that is wanted."""
    level = text.partition(" ")[0]
    if LEVELS.index(level) >= LEVELS.index(server.level):
        await session.send_log_message(level, text)


later: list[asyncio.Task[None]] = []


async def after_the_call(session: Any, text: str) -> None:
    await asyncio.sleep(0.2)
    await log(session, text)


@server.set_logging_level()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
async def set_level(level: str) -> None:
    server.level = level


@server.subscribe_resource()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
async def subscribe(uri: AnyUrl) -> None:
    if str(uri) == "news://none":
        raise ValueError("there is no such resource")
    server.subscribed.add(str(uri))


@server.unsubscribe_resource()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
async def unsubscribe(uri: AnyUrl) -> None:
    server.subscribed.discard(str(uri))


async def main() -> None:
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options(NotificationOptions()))


if __name__ == "__main__":
    asyncio.run(main())
