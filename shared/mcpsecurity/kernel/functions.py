"""MCP tools as functions of a Semantic Kernel plugin."""

import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Any, Protocol

from mcp import ClientSession, types
from mcp.shared.exceptions import McpError
from mcp.shared.session import ProgressFnT
from pydantic import Field
from semantic_kernel import Kernel
from semantic_kernel.functions import KernelFunction, KernelPlugin, kernel_function

from mcpsecurity.approval import EDITED_META
from mcpsecurity.client.errors import ProtocolError, ToolFailedError
from mcpsecurity.client.results import Shown, ToolText
from mcpsecurity.client.session import call_tool
from mcpsecurity.kernel.schema_functions import schema_function
from mcpsecurity.kernel.schemas import model_schema
from mcpsecurity.kernel.wrong_use import check_kernel, check_plugin_name, check_session, names_of

_MAX_DESCRIPTION = 1024
_MAX_NAME = 64
_MAX_PAGES = 100

_log = logging.getLogger(__name__)

CallTool = Callable[[types.Tool, dict[str, Any]], Awaitable[types.CallToolResult]]
"""Calls a tool and returns its result. It may ask for approval first, show progress or log."""


class ToolSource(Protocol):
    """Lists and calls tools: a `McpConnection`, or an object with its two methods."""

    async def list_tools(self) -> list[types.Tool]:
        """Return all tools."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], progress: ProgressFnT | None = None
    ) -> types.CallToolResult:
        """Call a tool and return its result."""


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
        plugin_name: letters, digits and underscores. A plugin of this name from the same session
            is replaced.
        include: names of the tools to take; None takes all.
        exclude: names of tools to leave out.
        prefix: put before each function's name.
        progress: called with (progress, total, message).
        call: runs a tool instead of calling the session directly.
        left_out: called with (tool name, reason) for each tool that cannot be offered.

    A function returns a `ToolText`: the tool's text, or its structured result as JSON when it has one.

    Raises:
        TypeError: `kernel`, `session`, `include` or `exclude` is of another kind.
        ValueError: another plugin of the kernel has this name, or no plugin can have it.

    Raises (when a function is invoked):
        ToolFailedError: the tool said that it failed.
        BridgeError: the call itself failed.
    """
    check_kernel(kernel)
    check_session(session)
    check_plugin_name(plugin_name)
    source = _SessionSource(session) if isinstance(session, ClientSession) else session

    async def direct(tool: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
        return await source.call_tool(tool.name, arguments, progress)

    functions = tool_functions(
        await source.list_tools(),
        plugin_name,
        call or direct,
        include=names_of("include", include) if include is not None else None,
        exclude=names_of("exclude", exclude),
        prefix=prefix,
        left_out=left_out,
    )
    check_name_is_free(kernel, plugin_name, lambda plugin: getattr(plugin, "source", None) is session)
    plugin = _ImportedPlugin(name=plugin_name, functions=functions)
    plugin.source = session
    kernel.plugins[plugin_name] = plugin
    return plugin


class _ImportedPlugin(KernelPlugin):
    """A plugin that remembers which session its tools come from."""

    source: Any = Field(None, exclude=True, repr=False)


def check_name_is_free(kernel: Kernel, plugin_name: str, is_own: Callable[[KernelPlugin], bool]) -> None:
    """Check that no other plugin of the kernel has this name.

    Raises:
        ValueError: another plugin has it.
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
    """Return a kernel function for each chosen tool; see `import_mcp_tools` for the arguments.

    Tools whose names would become the same function name get numbers. A tool that cannot be offered is left
    out, logged, and reported to `left_out`. `shown` returns the parts of a result that are shown to the
    person; the text for the model mentions them.
    """
    wanted, unwanted = (set(include) if include is not None else None), set(exclude)
    chosen = (t for t in tools if t.name not in unwanted and (wanted is None or t.name in wanted))
    named = named_tools(chosen, plugin_name, prefix=prefix, left_out=left_out)
    return [tool_function(tool, plugin_name, call, name=name, shown=shown) for name, tool in named.items()]


def named_tools(
    tools: Iterable[types.Tool],
    plugin_name: str,
    *,
    prefix: str = "",
    left_out: Callable[[str, str], None] | None = None,
) -> dict[str, types.Tool]:
    """Return the tools that can be offered by the names of their functions; see `tool_functions`."""
    named: dict[str, types.Tool] = {}
    for tool in tools:
        if reason := _refusal(tool):
            _log.warning("The tool %r is left out: %s", tool.name, reason)
            if left_out is not None:
                left_out(tool.name, reason)
            continue
        limit = _MAX_NAME - len(plugin_name) - 1
        named[_unused(function_name(prefix + tool.name), named, limit)] = tool
    return named


def _refusal(tool: types.Tool) -> str | None:
    """Return the reason why a tool cannot be offered to a model; None if it can."""
    if not tool.name:
        return "it has no name"
    if tool.execution is not None and tool.execution.taskSupport == "required":
        return "it runs as a task only"
    if not _is_for_models(tool):
        return "the server means it for its own page, not for a model"
    kind = tool.inputSchema.get("type")
    if isinstance(kind, str) and kind in ("string", "number", "integer", "boolean", "array", "null"):
        return f"its input is of type {kind}, not an object"
    return None


def _is_for_models(tool: types.Tool) -> bool:
    """Tell whether a model may see a tool: MCP Apps (SEP-1865), and OpenAI's apps before it, have tools that
    only a page of the server's calls, for example to load the bytes of a file."""
    meta = tool.meta or {}
    page = meta.get("ui")
    audience = page.get("visibility") if isinstance(page, dict) else None
    if isinstance(audience, list):
        return "model" in audience
    return meta.get("openai/visibility") != "private"


def tool_function(
    tool: types.Tool,
    plugin_name: str,
    call: CallTool,
    *,
    prefix: str = "",
    name: str | None = None,
    shown: Shown = lambda _: (),
) -> KernelFunction:
    """Return a kernel function for one tool, with the tool's own input schema.

    `name` is the name of the function; by default it is made from the prefix and the tool's name.
    """
    schema = model_schema(tool.inputSchema)
    name = name or function_name(prefix + tool.name)[: _MAX_NAME - len(plugin_name) - 1]

    @kernel_function(name=name, description=_description(tool))
    async def run(**arguments: Any) -> ToolText:
        result = await call(tool, arguments)
        note = (result.meta or {}).get(EDITED_META)
        text = ToolText.of(result, shown(result), note if isinstance(note, str) else "")
        if text.result.isError:
            raise ToolFailedError(tool.name, str(text))
        return text

    return schema_function(run, plugin_name, schema, {"tool": tool.name})


def function_name(name: str) -> str:
    """Return a function name that Azure OpenAI and Semantic Kernel allow."""
    return re.sub(r"[^0-9A-Za-z_]", "_", name)[:64]


def _unused(name: str, taken: Container[str], limit: int) -> str:
    """Return the name, cut to the limit, with a number at its end if it is taken."""
    endings = itertools.chain([""], (f"_{number}" for number in itertools.count(2)))
    names = (name[: limit - len(ending)] + ending for ending in endings)
    return next(other for other in names if other not in taken)


def _description(tool: types.Tool) -> str:
    text = tool.description or tool.title or tool.name
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 1] + "…"


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
