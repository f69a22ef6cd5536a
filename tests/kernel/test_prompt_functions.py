"""Prompts as functions of a kernel, with arguments of any name."""

from typing import TYPE_CHECKING, Any, cast

import pytest
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.functions import KernelArguments

from mcpsecurity.kernel.catalog import load_functions
from mcpsecurity.kernel.options import ClientOptions

if TYPE_CHECKING:
    from mcpsecurity.client import McpConnection


class Server:
    """A server with one prompt."""

    def __init__(self, argument: str) -> None:
        capabilities = types.ServerCapabilities(prompts=types.PromptsCapability())
        self.server = types.InitializeResult(
            protocolVersion="2025-06-18",
            capabilities=capabilities,
            serverInfo=types.Implementation(name="s", version="1"),
        )
        self._prompt = types.Prompt(
            name="p" * 80, arguments=[types.PromptArgument(name=argument, required=True)]
        )
        self.given: dict[str, str] = {}

    async def list_prompts(self) -> list[types.Prompt]:
        """Return the prompt."""
        return [self._prompt]

    async def get_prompt(self, _name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        """Keep the arguments."""
        self.given = arguments
        return types.GetPromptResult(messages=[])


async def never(_tool: types.Tool, _arguments: dict[str, Any]) -> types.CallToolResult:
    """Fail: no tool is called."""
    raise AssertionError


@pytest.mark.parametrize(
    "name", ["city", "service", "kernel", "arguments", "execution_settings", "file.path"]
)
async def test_an_argument_can_have_any_name(name: str) -> None:
    server, kernel = Server(name), Kernel()
    options = ClientOptions(prompts=True)
    (function,) = await load_functions(cast("McpConnection", server), options, never)
    given = KernelArguments()
    given[name] = "x"
    await function.invoke(kernel, given)
    assert server.given == {name: "x"}
    assert [parameter.name for parameter in function.parameters] == [name]
    assert len(function.fully_qualified_name) <= 64
