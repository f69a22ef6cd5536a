"""The client that the conformance suite tries: `McpClient` and `McpConnection`, one conversation a scenario.

The suite starts it with the address of its server; MCP_CONFORMANCE_SCENARIO names the scenario. Exit code 0
means that the conversation ended as it should; the suite looks at what its server saw.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from semantic_kernel import Kernel

from mcpsecurity import McpClient
from mcpsecurity.client import McpConnection, result_text
from mcpsecurity.elicitation import TerminalHandler

__all__ = ["CONVERSATIONS"]


async def initialize(url: str) -> None:
    """Connect, and list what there is."""
    async with McpConnection(url) as connection:
        _expect(await connection.list_tools() == [], "a server without tools lists none")


async def call_a_tool(url: str) -> None:
    """Call a tool by its function in a kernel, as a model would."""
    kernel = Kernel()
    async with McpClient(kernel, url, plugin_name="Tools"):
        answer = await kernel.invoke(plugin_name="Tools", function_name="add_numbers", a=2, b=40.5)
        _expect(answer is not None and "42.5" in str(answer.value), "the tool has added")


async def accept_defaults(url: str) -> None:
    """Answer a server's form as someone does who presses Enter at each field, and then says yes."""

    async def typed(prompt: str) -> str:
        return "y" if prompt.startswith("Send this?") else ""

    asker = TerminalHandler(typed, print)
    async with McpClient(Kernel(), url, ask=asker) as client:
        text = await client.call_tool("test_client_elicitation_defaults")
        _expect("Elicitation completed" in text, "the server has got an answer")


async def resume(url: str) -> None:
    """Call a tool whose stream the server closes before it answers."""
    async with McpConnection(url) as connection:
        result = await connection.call_tool("test_reconnection", {})
        _expect("completed successfully" in result_text(result), "the answer came in the resumed stream")


async def give_a_schema_back(url: str) -> None:
    """Send a tool's input schema back as it came."""
    async with McpConnection(url) as connection:
        tools = {tool.name: tool for tool in await connection.list_tools()}
        schema = tools.pop("json_schema_2020_12_tool").inputSchema
        (echo,) = tools
        result = await connection.call_tool(echo, {"schema": schema})
        _expect("echoed" in result_text(result), "the server has the schema")


CONVERSATIONS: dict[str, Callable[[str], Awaitable[None]]] = {
    "initialize": initialize,
    "tools_call": call_a_tool,
    "elicitation-sep1034-client-defaults": accept_defaults,
    "sse-retry": resume,
    "json-schema-2020-12-preservation": give_a_schema_back,
}
"""What is done in each scenario."""


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"not so: {what}")


async def _main(scenario: str, url: str) -> None:
    await CONVERSATIONS[scenario](url)


if __name__ == "__main__":
    asyncio.run(_main(os.environ["MCP_CONFORMANCE_SCENARIO"], sys.argv[-1]))
