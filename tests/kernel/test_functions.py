"""Tools of an MCP server are functions of a kernel."""

from enum import Enum
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_calling_utils import (
    kernel_function_metadata_to_function_call_format,
)
from semantic_kernel.exceptions import KernelInvokeException
from semantic_kernel.functions import KernelArguments
from tests.support.served import Serve

from mcpsecurity import McpClient, import_mcp_tools
from mcpsecurity.client import McpConnection, ToolFailedError


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    """A nested parameter."""

    width: int


def program() -> FastMCP[Any]:
    """Return a server whose tools have various schemas."""
    mcp: FastMCP[Any] = FastMCP("Program")

    @mcp.tool()
    def paint(colour: Colour, size: Size, times: int = 1) -> str:
        """Paint something."""
        return f"{colour.value} {size.width} {times}"

    @mcp.tool(name="odd.name-here")
    def odd() -> dict[str, int]:
        """Have an odd name."""
        return {"a": 1}

    @mcp.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("min must be below max")

    return mcp


async def test_the_model_sees_each_tools_own_schema(serve: Serve) -> None:
    kernel = Kernel()
    async with serve(program()) as url, McpConnection(url) as connection:
        plugin = await import_mcp_tools(kernel, connection)
        seen = kernel_function_metadata_to_function_call_format(plugin["paint"].metadata)["function"]
    assert seen["name"] == "Tools-paint"
    assert seen["description"] == "Paint something."
    assert seen["parameters"]["required"] == ["colour", "size"]
    properties = seen["parameters"]["properties"]
    assert properties["colour"]["enum"] == ["red", "blue"]
    assert properties["size"]["properties"]["width"]["type"] == "integer"
    assert properties["times"]["default"] == 1


async def test_a_function_calls_its_tool_and_returns_its_text(serve: Serve) -> None:
    kernel = Kernel()
    async with serve(program()) as url, McpConnection(url) as connection:
        await import_mcp_tools(kernel, connection.session, plugin_name="Mine")
        result = await kernel.invoke(
            plugin_name="Mine",
            function_name="paint",
            arguments=KernelArguments(colour="red", size={"width": 2}),
        )
        odd = await kernel.invoke(plugin_name="Mine", function_name="odd_name_here")
    assert result is not None
    assert result.value == "red 2 1"
    assert odd is not None
    assert odd.value == '{"a": 1}'


async def test_a_failing_tool_raises_what_it_said(serve: Serve) -> None:
    kernel = Kernel()
    async with serve(program()) as url, McpConnection(url) as connection:
        await import_mcp_tools(kernel, connection)
        with pytest.raises(KernelInvokeException) as caught:
            await kernel.invoke(plugin_name="Tools", function_name="fail")
    causes: list[BaseException | None] = [caught.value]
    while causes[-1] is not None:
        causes.append(causes[-1].__cause__)
    failed = next(c for c in causes if isinstance(c, ToolFailedError))
    assert failed.tool == "fail"
    assert "min must be below max" in failed.text


async def test_filters_and_prefixes_choose_the_functions(serve: Serve) -> None:
    kernel = Kernel()
    async with serve(program()) as url, McpConnection(url) as connection:
        plugin = await import_mcp_tools(kernel, connection, exclude=["fail"], prefix="a_")
        assert set(plugin.functions) == {"a_paint", "a_odd_name_here"}
        plugin = await import_mcp_tools(kernel, connection, include=["fail"])
        assert set(plugin.functions) == {"fail"}
        assert set(kernel.plugins) == {"Tools"}


async def test_another_session_does_not_take_a_plugins_name(serve: Serve) -> None:
    kernel = Kernel()
    async with serve(program()) as url, McpConnection(url) as one, McpConnection(url) as other:
        plugin = await import_mcp_tools(kernel, one)
        with pytest.raises(ValueError, match="another plugin named 'Tools'"):
            await import_mcp_tools(kernel, other)
        with pytest.raises(ValueError, match="another plugin named 'Tools'"):
            await McpClient.connect(kernel, url)
        assert kernel.plugins["Tools"] is plugin
        del kernel.plugins["Tools"]
        assert await import_mcp_tools(kernel, other) is kernel.plugins["Tools"]


async def test_importing_again_makes_no_new_instruments(serve: Serve) -> None:
    """OpenTelemetry keeps each for ever: a process that imports tools for every answer would grow."""
    async with serve(program()) as url, McpConnection(url) as connection:
        functions = [
            function
            for name in ("First", "Second")
            for function in (await import_mcp_tools(Kernel(), connection, name)).functions.values()
        ]
    assert len(functions) == 6
    assert len({id(function.invocation_duration_histogram) for function in functions}) == 1
    assert len({id(function.streaming_duration_histogram) for function in functions}) == 1
