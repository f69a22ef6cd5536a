"""MCP tools as functions of a Semantic Kernel plugin."""

import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

from mcp import ClientSession, types
from mcp.shared.exceptions import McpError
from mcp.shared.session import ProgressFnT
from pydantic import Field
from semantic_kernel import Kernel
from semantic_kernel.filters.functions.function_invocation_context import FunctionInvocationContext
from semantic_kernel.functions import KernelFunction, KernelFunctionFromMethod, KernelPlugin, kernel_function
from semantic_kernel.functions.kernel_parameter_metadata import KernelParameterMetadata

from mcpsecurity.client.errors import ProtocolError, ToolFailedError
from mcpsecurity.client.results import Shown, ToolText
from mcpsecurity.client.session import call_tool
from mcpsecurity.kernel.schemas import model_schema

__all__ = [
    "CallTool",
    "ToolSource",
    "check_plugin_name",
    "function_name",
    "import_mcp_tools",
    "original_arguments",
    "schema_function",
    "tool_function",
    "tool_functions",
    "unknown_arguments",
]

_MAX_DESCRIPTION = 1024
_MAX_NAME = 64
_MAX_PAGES = 100

_log = logging.getLogger(__name__)

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
    left_out: Callable[[str, str], None] | None = None,
) -> KernelPlugin:
    """Add the tools of a connected MCP session to a kernel, and return the plugin.

    Args:
        session: a connected `mcp.ClientSession`, or a `McpConnection`.
        plugin_name: letters, digits and underscores. What was imported from the same session by this name
            is replaced.
        include: names of the tools to take; None takes all.
        exclude: names of tools to leave.
        prefix: put before each function's name.
        progress: hears of progress as (progress, total, message).
        call: runs a tool instead of calling the session directly.
        left_out: hears of each tool that cannot be offered, as (tool name, reason).

    A function returns a `ToolText`: the tool's text, or its structured result as JSON when it has one.

    Raises:
        ValueError: another plugin of the kernel has this name.

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
        left_out=left_out,
    )
    check_plugin_name(kernel, plugin_name, lambda plugin: getattr(plugin, "source", None) is session)
    plugin = _ImportedPlugin(name=plugin_name, functions=functions)
    plugin.source = session
    kernel.plugins[plugin_name] = plugin
    return plugin


class _ImportedPlugin(KernelPlugin):
    """A plugin that knows the session whose tools it has."""

    source: Any = Field(None, exclude=True, repr=False)


def check_plugin_name(kernel: Kernel, plugin_name: str, is_own: Callable[[KernelPlugin], bool]) -> None:
    """Refuse a name that another plugin of the kernel has.

    Raises:
        ValueError: it is taken.
    """
    present = kernel.plugins.get(plugin_name)
    if present is not None and not is_own(present):
        raise ValueError(
            f"The kernel has another plugin named {plugin_name!r} already. Pass another plugin_name, or close"
            f" the client that it belongs to (or del kernel.plugins[{plugin_name!r}]) first."
        )


def tool_functions(
    tools: Iterable[types.Tool],
    plugin_name: str,
    call: CallTool,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    prefix: str = "",
    left_out: Callable[[str, str], None] | None = None,
    shown: Shown = lambda _: (),
) -> list[KernelFunction]:
    """Return a kernel function for each tool that is wanted; see `import_mcp_tools` for the arguments.

    Two tools whose names differ in characters that function names cannot have get different names. A tool
    that cannot be offered is left out and logged; `left_out` hears its name and the reason. `shown` tells
    which parts of a result the person sees, and the model is told so.
    """
    wanted, unwanted = (set(include) if include is not None else None), set(exclude)
    functions: dict[str, KernelFunction] = {}
    for tool in tools:
        if tool.name in unwanted or (wanted is not None and tool.name not in wanted):
            continue
        if reason := _hindrance(tool):
            _log.warning("The tool %r is left out: %s", tool.name, reason)
            if left_out is not None:
                left_out(tool.name, reason)
            continue
        limit = _MAX_NAME - len(plugin_name) - 1
        name = _unused(function_name(prefix + tool.name), functions, limit)
        functions[name] = tool_function(tool, plugin_name, call, name=name, shown=shown)
    return list(functions.values())


def _hindrance(tool: types.Tool) -> str | None:
    """Return why a model cannot be offered a tool; None if it can."""
    if not tool.name:
        return "it has no name"
    if tool.execution is not None and tool.execution.taskSupport == "required":
        return "it runs as a task only"
    kind = tool.inputSchema.get("type")
    if isinstance(kind, str) and kind in ("string", "number", "integer", "boolean", "array", "null"):
        return f"its input is of type {kind}, not an object"
    return None


def tool_function(
    tool: types.Tool,
    plugin_name: str,
    call: CallTool,
    *,
    prefix: str = "",
    name: str | None = None,
    shown: Shown = lambda _: (),
) -> KernelFunction:
    """Return a kernel function for one tool. What the model sees is the tool's own input schema.

    `name` is the function's; without one it is made of the prefix and the tool's name.
    """
    schema = model_schema(tool.inputSchema)
    name = name or function_name(prefix + tool.name)[: _MAX_NAME - len(plugin_name) - 1]

    @kernel_function(name=name, description=_description(tool))
    async def run(**arguments: Any) -> ToolText:
        result = await call(tool, arguments)
        text = ToolText.of(result, shown(result))
        if text.result.isError:
            raise ToolFailedError(tool.name, str(text))
        return text

    return schema_function(run, plugin_name, schema, {"tool": tool.name})


def schema_function(
    method: Callable[..., Awaitable[Any]],
    plugin_name: str,
    schema: dict[str, Any],
    metadata: dict[str, Any] | None = None,
) -> KernelFunction:
    """Return a function whose parameters are those of a schema made by `model_schema`, of any names."""
    return _SchemaFunction(  # type: ignore[call-arg] # mypy takes it for a model without a constructor
        method=method,
        plugin_name=plugin_name,
        parameters=_parameters(schema),
        return_parameter=_returned(),
        additional_metadata={**(metadata or {}), "parameters": schema},
    )


@cache
def _histogram(field: str) -> Any:
    """Return the instrument that Semantic Kernel would make for a function's field."""
    made: Any = KernelFunction.model_fields[field].get_default(call_default_factory=True)
    return made


class _Parameter(KernelParameterMetadata):
    """A parameter of any name; Semantic Kernel allows letters, digits, `_` and `-`."""

    name: str | None


class _SchemaFunction(KernelFunctionFromMethod):
    """A function that takes its arguments as they are, and shares its instruments with all others.

    Semantic Kernel fills parameters called kernel, service, arguments and execution_settings with objects of
    its own. Arguments of other names than the schema's are passed on only if the schema is open to them: when
    Semantic Kernel calls functions for a prompt, the prompt's variables come among the arguments.

    Semantic Kernel makes two for each function, always of the same names, and OpenTelemetry's API keeps every
    instrument that was ever made until there is an SDK: a process that imports tools for each answer grew.
    """

    invocation_duration_histogram: Any = Field(
        default_factory=lambda: _histogram("invocation_duration_histogram"), exclude=True
    )
    streaming_duration_histogram: Any = Field(
        default_factory=lambda: _histogram("streaming_duration_histogram"), exclude=True
    )

    def gather_function_parameters(self, context: FunctionInvocationContext) -> dict[str, Any]:
        """Return the arguments for the method."""
        schema = (self.metadata.additional_properties or {})["parameters"]
        names = schema["properties"]
        is_open = _is_open(schema)
        arguments = original_arguments(self, context.arguments)
        return {k: v for k, v in arguments.items() if k in names or (is_open and _is_json(v))}


def original_arguments(function: KernelFunction, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's arguments by the names that the tool has for them; other functions' as they are.

    Semantic Kernel cannot take arguments named `settings` or `self` from a model, and none that are not among
    the parameters: a model sees `settings_` and `self_`, and for a schema that is open to further arguments
    the parameter `more_arguments`, an object of them.
    """
    schema = (function.metadata.additional_properties or {}).get("parameters")
    if schema is None:
        return dict(arguments)
    names = {shown: name for name, shown in _shown_names(schema).items()}
    rest = _rest_name(schema)
    more = arguments.get(rest) if rest is not None else None
    if not isinstance(more, Mapping):
        return {names.get(name, name): value for name, value in arguments.items()}
    return {**more, **{names.get(name, name): value for name, value in arguments.items() if name != rest}}


def _all_names(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of all arguments that a schema speaks of."""
    properties = schema["properties"]
    return [*properties, *sorted(set(schema.get("required", ())) - set(properties))]


def _shown_names(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the names by which a model calls arguments that `KernelArguments(**…)` would take itself."""
    names = _all_names(schema)
    return {name: _free(f"{name}_", names) for name in ("self", "settings") if name in names}


def _rest_name(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the parameter for all arguments that have none; None if there cannot be any."""
    return _free("more_arguments", _all_names(schema)) if _is_open(schema) else None


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def unknown_arguments(schema: Mapping[str, Any], arguments: Iterable[str]) -> list[str]:
    """Return the names that a schema made by `model_schema` neither has nor is open to."""
    return [] if _is_open(schema) else [name for name in arguments if name not in schema["properties"]]


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether a schema speaks of properties that it does not name."""
    more = schema.get("additionalProperties", False)
    return more is not False or bool(schema.get("patternProperties"))


def _is_json(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | dict | list)


def function_name(name: str) -> str:
    """Return a name that Azure OpenAI and Semantic Kernel allow for a function."""
    return re.sub(r"[^0-9A-Za-z_]", "_", name)[:64]


def _unused(name: str, taken: Container[str], limit: int) -> str:
    """Return the name, cut to the limit; a number at its end tells it from one that is taken."""
    endings = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
    names = (name[: limit - len(ending)] + ending for ending in endings)
    return next(other for other in names if other not in taken)


def _description(tool: types.Tool) -> str:
    text = tool.description or tool.title or tool.name
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 1] + "…"


def _returned() -> KernelParameterMetadata:
    """Return what functions return; Semantic Kernel would infer it from `ToolText`, for 4 ms a tool."""
    return KernelParameterMetadata(
        name="return", type_="string", is_required=True, schema_data={"type": "string"}
    )


def _parameters(schema: Mapping[str, Any]) -> list[KernelParameterMetadata]:
    """Return the parameters; the schema of each stays as it is."""
    required, shown = set(schema.get("required", ())), _shown_names(schema)
    parameters = [
        _parameter(shown.get(name, name), schema["properties"].get(name, {}), name in required)
        for name in _all_names(schema)
    ]
    if rest := _rest_name(schema):
        rules = {k: schema[k] for k in ("additionalProperties", "patternProperties") if k in schema}
        more = {"type": "object", "description": "Arguments of other names, by these.", **rules}
        parameters.append(_parameter(rest, more, required=False))
    return parameters


def _parameter(name: str, schema: dict[str, Any], required: bool) -> KernelParameterMetadata:
    kind = schema.get("type")
    return _Parameter(
        name=name,
        description=schema.get("description"),
        default_value=schema.get("default"),
        type_=kind if isinstance(kind, str) else "object",
        is_required=required,
        schema_data=schema,
    )


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
