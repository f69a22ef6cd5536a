"""MCP tools as functions of a Semantic Kernel plugin."""

import re
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

from mcp import ClientSession, types
from mcp.shared.exceptions import McpError
from mcp.shared.session import ProgressFnT
from pydantic import Field
from semantic_kernel import Kernel
from semantic_kernel.functions import KernelFunction, KernelFunctionFromMethod, KernelPlugin, kernel_function
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from mcpsecurity.bridge.errors import ProtocolError, ToolFailedError
from mcpsecurity.bridge.results import ToolText
from mcpsecurity.bridge.session import call_tool

__all__ = [
    "CallTool",
    "ToolSource",
    "function_name",
    "import_mcp_tools",
    "tool_function",
    "tool_functions",
]

_MAX_DESCRIPTION = 1024
_MAX_PAGES = 100

CallTool = Callable[[types.Tool, dict[str, Any]], Awaitable[types.CallToolResult]]
"""Runs a tool: an approval, a progress display or a log can come before and after."""


class ToolSource(Protocol):
    """Where tools come from: `McpConnection`, or anything alike."""

    async def list_tools(self) -> list[types.Tool]:
        """Return all tools."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
    ) -> types.CallToolResult:
        """Call one."""


async def import_mcp_tools(
    kernel: Kernel,
    session: ClientSession | ToolSource,
    plugin_name: str = "Tools",
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    prefix: str = "",
    progress: ProgressFnT | None = None,
    call: CallTool | None = None,
) -> KernelPlugin:
    """Add the tools of a connected MCP session to a kernel, and return the plugin.

    Args:
        session: a connected `mcp.ClientSession`, or a `McpConnection`.
        plugin_name: letters, digits and underscores; a plugin of this name is replaced.
        include: names of the tools to take; None takes all.
        exclude: names of tools to leave.
        prefix: put before each function's name, for several servers in one plugin name.
        progress: hears of progress as (progress, total, message).
        call: runs a tool instead of calling the session directly.

    A function returns a `ToolText`: the tool's text, or its structured result as JSON when it has one.

    Raises (when a function is invoked):
        ToolFailedError: the tool said that it failed.
        BridgeError: the call itself failed.
    """
    source = _SessionSource(session) if isinstance(session, ClientSession) else session

    async def direct(tool: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
        return await source.call_tool(tool.name, arguments, progress)

    functions = tool_functions(
        await source.list_tools(),
        plugin_name,
        call or direct,
        include=include,
        exclude=exclude,
        prefix=prefix,
    )
    plugin = KernelPlugin(name=plugin_name, functions=functions)
    kernel.plugins.pop(plugin_name, None)
    return kernel.add_plugin(plugin)


def tool_functions(
    tools: Iterable[types.Tool],
    plugin_name: str,
    call: CallTool,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    prefix: str = "",
) -> list[KernelFunction]:
    """Return a kernel function for each tool that is wanted; see `import_mcp_tools` for the arguments.

    Two tools whose names differ in characters that function names cannot have get different names.
    """
    wanted, unwanted = (set(include) if include is not None else None), set(exclude)
    functions: dict[str, KernelFunction] = {}
    for tool in tools:
        if tool.name in unwanted or (wanted is not None and tool.name not in wanted):
            continue
        name = _unused(function_name(prefix + tool.name), functions)
        functions[name] = tool_function(tool, plugin_name, call, name=name)
    return list(functions.values())


def tool_function(
    tool: types.Tool, plugin_name: str, call: CallTool, *, prefix: str = "", name: str | None = None
) -> KernelFunction:
    """Return a kernel function for one tool. What the model sees is the tool's own input schema.

    `name` is the function's; without one it is made of the prefix and the tool's name.
    """

    @kernel_function(name=name or function_name(prefix + tool.name), description=_description(tool))
    async def run(**arguments: Any) -> ToolText:
        text = ToolText.of(await call(tool, arguments))
        if text.result.isError:
            raise ToolFailedError(tool.name, str(text))
        return text

    return _ToolFunction(  # type: ignore[call-arg] # mypy takes it for a model without a constructor
        method=run,
        plugin_name=plugin_name,
        parameters=_parameters(tool.inputSchema),
        return_parameter=_returned(),
    )


@cache
def _histogram(field: str) -> Any:
    """Return the instrument that Semantic Kernel would make for a function's field."""
    made: Any = KernelFunction.model_fields[field].get_default(call_default_factory=True)
    return made


class _ToolFunction(KernelFunctionFromMethod):
    """A function that shares its instruments with all others.

    Semantic Kernel makes two for each function, always of the same names, and OpenTelemetry's API keeps every
    instrument that was ever made until there is an SDK: a process that imports tools for each answer grew.
    """

    invocation_duration_histogram: Any = Field(
        default_factory=lambda: _histogram("invocation_duration_histogram"), exclude=True
    )
    streaming_duration_histogram: Any = Field(
        default_factory=lambda: _histogram("streaming_duration_histogram"), exclude=True
    )


def function_name(name: str) -> str:
    """Return a name that Azure OpenAI and Semantic Kernel allow for a function."""
    return re.sub(r"[^0-9A-Za-z_]", "_", name)[:64]


def _unused(name: str, taken: Container[str]) -> str:
    if name not in taken:
        return name
    numbered = (f"{name[:60]}_{number}" for number in range(2, 1000))
    return next(other for other in numbered if other not in taken)


def _description(tool: types.Tool) -> str:
    text = tool.description or tool.title or tool.name
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 1] + "…"


def _returned() -> KernelParameterMetadata:
    """Return what functions return; Semantic Kernel would infer it from `ToolText`, for 4 ms a tool."""
    return KernelParameterMetadata(
        name="return", type_="string", is_required=True, schema_data={"type": "string"}
    )


def _parameters(schema: Mapping[str, Any]) -> list[KernelParameterMetadata]:
    """Return the parameters; a schema of its own stays as it is, with references resolved in place."""
    required = set(schema.get("required", []))
    definitions = schema.get("$defs", {})
    return [
        KernelParameterMetadata(
            name=name,
            description=details.get("description"),
            default_value=details.get("default"),
            type_=details.get("type") if isinstance(details.get("type"), str) else "object",
            is_required=name in required,
            schema_data=_inlined(details, definitions, depth=0),
        )
        for name, details in schema.get("properties", {}).items()
        if isinstance(details, Mapping)
    ]


def _inlined(value: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    """Put definitions in the place of references to them: a parameter travels alone."""
    if depth > 12:
        return {}
    if isinstance(value, list):
        return [_inlined(item, definitions, depth + 1) for item in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        target = definitions.get(reference.removeprefix("#/$defs/"), {})
        rest = {key: item for key, item in value.items() if key != "$ref"}
        value = {**target, **rest}
    return {key: _inlined(item, definitions, depth + 1) for key, item in value.items()}


class _SessionSource:
    """A plain client session as a source of tools."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def list_tools(self) -> list[types.Tool]:
        tools: list[types.Tool] = []
        cursor: str | None = None
        for _ in range(_MAX_PAGES):
            page = await self._session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
            tools += page.tools
            cursor = page.nextCursor
            if not cursor:
                break
        return tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
    ) -> types.CallToolResult:
        try:
            return await call_tool(self._session, name, arguments, progress)
        except McpError as error:
            raise ProtocolError(error.error.message, code=error.error.code) from error
