"""What the offline model makes of newcomers' prompts, with the product's own tools, called over HTTP."""

import datetime as dt
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from mcp import types
from tests.localcloud.openai.newcomers import PROMPTS

from mcpsecurity.client import McpConnection, ToolFailedError
from mcpsecurity.localcloud.openai.offline import Tool, read_tools, reply_to
from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(60)

TODAY = dt.datetime.now(dt.UTC).date()
CHRISTMAS = dt.date(TODAY.year + (dt.date(TODAY.year, 12, 25) < TODAY), 12, 25)
VALUES = {
    "tomorrow": f"{TODAY + dt.timedelta(days=1)}",
    "later": f"{TODAY + dt.timedelta(days=4)}",
    "in_90_days": f"{TODAY + dt.timedelta(days=90):%A, %-d %B %Y}",
    "to_christmas": f"{(CHRISTMAS - TODAY).days}",
}
MOST_ROUNDS = 5


class Talk:
    """A conversation of the offline model with the tools of a server."""

    def __init__(self, session: McpConnection, tools: list[Tool]) -> None:
        self._session = session
        self._tools = tools
        self._messages: list[dict[str, Any]] = []
        self.called: list[str] = []

    async def ask(self, prompt: str) -> str:
        """Return the answer, after all calls that the model makes for it; `called` are their tools."""
        self._messages.append({"role": "user", "content": prompt})
        self.called = []
        for _ in range(MOST_ROUNDS):
            reply = reply_to(self._messages, self._tools, TODAY)
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
async def server(stack: LocalStack) -> AsyncIterator[tuple[McpConnection, list[Tool]]]:
    async with stack.serve(approval="never").session("alice") as session:
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
    assert talk.called == calls, said
    assert re.search(_filled(answer), said, re.IGNORECASE | re.DOTALL), said


def _filled(text: str) -> str:
    """Return a text with the days of this year."""
    for name, value in VALUES.items():
        text = text.replace(f"{{{name}}}", value)
    return text
