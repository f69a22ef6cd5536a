"""What the offline model makes of newcomers' prompts, with the product's own tools, called over HTTP."""

import datetime as dt
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from tests.localcloud.openai.newcomers import CELSIUS, PROMPTS
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ToolFailedError
from mcpsecurity.localcloud.openai.offline import Tool, read_tools, reply_to
from mcpsecurity.localcloud.openmeteo import OpenMeteoFaults, add_open_meteo_routes
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.testing import LocalStack
from mcpsecurity_server.hosting import create_protected_app
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.registry import build_mcp
from mcpsecurity_server.weather import WeatherService

NOON = dt.datetime(2026, 12, 2, 12, tzinfo=dt.UTC)
"""When the prompts are typed: a Wednesday, on which it is the same day in most of the world."""

TODAY = NOON.date()
VALUES = {
    "tomorrow": f"{TODAY + dt.timedelta(days=1)}",
    "later": f"{TODAY + dt.timedelta(days=4)}",
    "in_90_days": f"{TODAY + dt.timedelta(days=90):%A, %-d %B %Y}",
    "to_christmas": f"{(dt.date(TODAY.year, 12, 25) - TODAY).days}",
}
MOST_ROUNDS = 6
EACH_ONCE = re.compile("lott|out of", re.IGNORECASE)
"""Prompts for different numbers, so that some are drawn again."""


class Talk:
    """A conversation of the offline model with the tools of a server."""

    def __init__(self, session: McpConnection, tools: list[Tool], today: dt.date = TODAY) -> None:
        self._session = session
        self._tools = tools
        self._today = today
        self._messages: list[dict[str, Any]] = []
        self.called: list[str] = []

    async def ask(self, prompt: str) -> str:
        """Return the answer, after all calls that the model makes for it; `called` are their tools."""
        self._messages.append({"role": "user", "content": prompt})
        self.called = []
        for _ in range(MOST_ROUNDS):
            reply = reply_to(self._messages, self._tools, self._today)
            if not reply.calls:
                self._messages.append({"role": "assistant", "content": reply.text})
                return reply.text
            made = []
            for number, call in enumerate(reply.calls):
                call_id = f"{len(self._messages)}-{number}"
                function = {"name": call.name, "arguments": call.text}
                made.append({"id": call_id, "type": "function", "function": function})
            self._messages.append({"role": "assistant", "tool_calls": made})
            for call, asked in zip(reply.calls, made, strict=True):
                content = await self._call(call.name.removeprefix("T-"), json.loads(call.text))
                self._messages.append({"role": "tool", "tool_call_id": asked["id"], "content": content})
        raise AssertionError("it calls tools for ever")

    async def _call(self, name: str, arguments: dict[str, Any]) -> str:
        self.called.append(name)
        try:
            result = await self._session.call_tool(name, arguments)
        except ToolFailedError as error:
            return f"Error: {error.text}"
        text = "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))
        return f"Error: {text}" if result.isError else text


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="module")
async def forecasts() -> AsyncIterator[str]:
    """The address of a weather service where it is always that noon."""
    app = web.Application()
    add_open_meteo_routes(app, OpenMeteoFaults(), lambda: NOON)
    async with on_loopback(app) as url:
        yield url


@pytest.fixture(scope="module")
async def server(stack: LocalStack, forecasts: str) -> AsyncIterator[tuple[McpConnection, list[Tool]]]:
    cloud = stack.cloud

    def program(environment: dict[str, str]) -> web.Application:
        weather = WeatherService(forecasts, forecasts, client_ssl_context(cloud.ca_file))
        app = create_protected_app(
            build_mcp(Elicitor("never", 60), weather, now=lambda: NOON),
            url=environment["MCP_SERVER_URL"],
            app_id_uri=environment["MCP_SERVER_URL"],
            authority=cloud.authority,
            tenant_id=cloud.tenant_id,
            client_id=cloud.api_client_id,
            ca_file=cloud.ca_file,
        )

        async def opened(_app: web.Application) -> AsyncIterator[None]:
            async with weather:
                yield

        app.cleanup_ctx.append(opened)
        return app

    async with stack.serve(program).session("alice") as session:
        offered = [
            {
                "type": "function",
                "function": {
                    "name": f"T-{tool.name}",
                    "description": tool.description,
                    "parameters": tool.inputSchema,
                },
            }
            for tool in await session.list_tools()
        ]
        yield session, read_tools({"tools": offered})


@pytest.mark.parametrize(
    ("prompts", "calls", "answer"), PROMPTS, ids=[" / ".join(prompts) for prompts, _, _ in PROMPTS]
)
async def test_it_answers_as_a_person_would(
    server: tuple[McpConnection, list[Tool]], prompts: tuple[str, ...], calls: list[str], answer: str
) -> None:
    talk = Talk(*server)
    for prompt in prompts:
        said = await talk.ask(_filled(prompt))
    drawn_again = talk.called[len(calls) :] if EACH_ONCE.search(prompts[-1]) else []
    assert talk.called == [*calls, *drawn_again], said
    assert re.search(_filled(answer), said, re.IGNORECASE | re.DOTALL), said


async def test_days_are_those_of_the_place_where_a_new_day_has_begun(
    server: tuple[McpConnection, list[Tool]],
) -> None:
    talk = Talk(*server, today=TODAY - dt.timedelta(days=1))
    assert re.search(
        rf"today in \*\*tokyo.*{CELSIUS}", await talk.ask("Will it rain in Tokyo today?"), re.IGNORECASE
    )
    assert "cannot tell" in await talk.ask("What was the weather in Tokyo yesterday?")


def _filled(text: str) -> str:
    """Return a text with its days filled in."""
    for name, value in VALUES.items():
        text = text.replace(f"{{{name}}}", value)
    return text
