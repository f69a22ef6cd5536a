"""The transport's view of a FastMCP instance.

This module, `relay_session` and `call_context` use names that the MCP SDK does not promise to keep (written
for mcp 1.30). `tests/server/transport/dispatch/test_fastmcp_adapter.py` names each of them, and fails with
the name when an update of the SDK removes it.
"""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.tools import Tool
from mcp.server.lowlevel import NotificationOptions
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import UrlElicitationRequiredError
from pydantic import TypeAdapter
from pydantic_core import SchemaSerializer, to_json

from mcpsecurity.runtime.failures import drop_values
from mcpsecurity_server.transport.dispatch.results import tool_result
from mcpsecurity_server.transport.dispatch.server_adapter import Handler, ServerAdapter
from mcpsecurity_server.transport.identity import CallRefusedError


class FastMcpAdapter(ServerAdapter):
    """A FastMCP instance with its registered handlers."""

    def __init__(self, mcp: FastMCP[Any]) -> None:
        super().__init__(mcp._mcp_server)  # noqa: SLF001 - the seam
        self.mcp = mcp
        self._tools = mcp._tool_manager  # noqa: SLF001 - the seam
        logging.getLogger(FastMCP.__module__).addFilter(drop_values)  # it logs URIs and arguments of prompts
        self._context_state = CallContext(fastmcp=mcp).__getstate__()
        self._checked_handler: Handler | None = None
        self._direct_tools = False

    def capabilities(self, experimental: Mapping[str, Any]) -> types.ServerCapabilities:
        """Return what FastMCP and this transport have: lists that change, subscriptions, and log messages."""
        everything = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        declared = self.server.get_capabilities(everything, dict(experimental))
        if declared.resources is not None:
            declared.resources.subscribe = True
        declared.logging = types.LoggingCapability()
        return declared

    def direct_tools(self) -> bool:
        """Tell whether `tools/call` still runs FastMCP's own tools.

        Programs replace the low-level handler, or override `call_tool`; then `tools/call` has to run that.
        """
        handler = self.server.request_handlers.get(types.CallToolRequest)
        if handler is not self._checked_handler:
            own = type(self.mcp).call_tool is FastMCP.call_tool
            self._checked_handler = handler
            self._direct_tools = own and _wraps(handler, self.mcp.call_tool)
        return self._direct_tools

    def direct_tool(self, name: str) -> Tool | None:
        """Return the registered tool, or None if the program replaced the tools/call handler."""
        return self._tools.get_tool(name) if self.direct_tools() else None

    def is_tool(self, name: Any) -> bool:
        """Tell whether a tool of this name is registered."""
        return isinstance(name, str) and self._tools.get_tool(name) is not None

    def lists_whole(self, request_type: type) -> bool:
        """Tell whether the handler of a list request is FastMCP's, which ignores cursors."""
        mcp, handler = self.mcp, self.handler(request_type)
        listing = (mcp.list_tools, mcp.list_prompts, mcp.list_resources, mcp.list_resource_templates)
        return any(_wraps(handler, method) for method in listing)

    async def lacks_prompt(self, name: str) -> bool:
        """Tell whether FastMCP itself handles prompts/get, and has no prompt of this name."""
        own = _wraps(self.handler(types.GetPromptRequest), self.mcp.get_prompt)
        if not own or type(self.mcp).get_prompt is not FastMCP.get_prompt:
            return False
        return all(prompt.name != name for prompt in await FastMCP.list_prompts(self.mcp))

    async def run_tool(
        self, tool: Tool, arguments: dict[str, Any], context: RequestContext[Any, Any, Any]
    ) -> dict[str, Any]:
        """Run a tool as `Tool.run` does, five times as fast; return the result of `tools/call` as JSON.

        Raises:
            ToolError: arguments, function or result are wrong; the text is for the model.
            UrlElicitationRequiredError: the user has to visit a page first.
            CallRefusedError: the caller needs another token.
        """
        try:
            keywords = _keywords(tool, arguments)
            if tool.context_kwarg is not None:
                keywords[tool.context_kwarg] = CallContext.of_call(self._context_state, context)
            result = tool.fn(**keywords)
            if tool.is_async:
                result = await result
            return _converted(tool, result)
        except (UrlElicitationRequiredError, CallRefusedError):
            raise
        except Exception as error:
            raise ToolError(f"Error executing tool {tool.name}: {error}") from error


class CallContext(Context[Any, Any, Any]):
    """`Context(request_context=…, fastmcp=…)` for one call, made and read at a tenth of a call less.

    The slot hides pydantic's private attribute of this name, which takes microseconds to set and to read.
    """

    __slots__ = ("_request_context",)

    @classmethod
    def of_call(cls, state: dict[Any, Any], request: RequestContext[Any, Any, Any]) -> "CallContext":
        """Return the context of a call: a copy, made as `pickle` does it, of the one whose state is given."""
        context = cls.__new__(cls)
        context.__setstate__(state)
        object.__setattr__(context, "_request_context", request)
        return context


@contextmanager
def preserved_logging() -> Iterator[None]:
    """Keep FastMCP's constructor from configuring the process's logging.

    Where nothing is configured it would log everything from INFO on through Rich, at milliseconds a line.
    """
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)  # with a handler `basicConfig` does nothing
    try:
        yield
    finally:
        root.removeHandler(handler)


def set_version(mcp: FastMCP[Any], version: str) -> None:
    """Set the program's version, for which FastMCP has no parameter; it reports the SDK's."""
    mcp._mcp_server.version = version  # noqa: SLF001 - the seam


def _wraps(handler: object, method: Callable[..., Any]) -> bool:
    """Tell whether a handler is a closure over `method`, directly or through another closure."""
    for cell in getattr(handler, "__closure__", None) or ():
        inner = cell.cell_contents
        if inner == method or (inspect.isfunction(inner) and _wraps(inner, method)):
            return True
    return False


def _keywords(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return validated arguments. Some clients send JSON in strings; other arguments are not parsed again."""
    metadata = tool.fn_metadata
    if str in map(type, arguments.values()):
        arguments = metadata.pre_parse_json(arguments)
    validate, renamed = _arguments(metadata.arg_model)
    keywords: dict[str, Any] = vars(validate(arguments))
    for name, keyword in renamed:
        keywords[keyword] = keywords.pop(name)
    return keywords


@cache
def _arguments(kind: type[Any]) -> tuple[Callable[[Any], Any], tuple[tuple[str, str], ...]]:
    """Return what validates arguments, and the fields of their model that are passed by another keyword.

    It is faster than the model's `model_validate`.
    """
    fields = kind.model_fields.items()
    renamed = tuple((name, field.alias) for name, field in fields if field.alias not in (None, name))
    return TypeAdapter(kind).validator.validate_python, renamed


@cache
def _is_content(kind: type) -> bool:
    """Tell whether a model is itself content, which is passed to the model unchanged."""
    return issubclass(kind, types.ContentBlock)


@cache
def _serializer(kind: type) -> SchemaSerializer:
    """Return the serializer of a model, which is faster than its `model_dump`."""
    return TypeAdapter(kind).serializer


def _converted(tool: Tool, result: Any) -> dict[str, Any]:
    """Return what `convert_result` does; a model of the declared class is not validated a second time."""
    metadata, kind = tool.fn_metadata, type(result)
    if kind is not metadata.output_model or metadata.wrap_output or _is_content(kind):
        return tool_result(metadata.convert_result(result))
    text = to_json(result, fallback=str, indent=2).decode()
    structured = _serializer(kind).to_python(result, mode="json", by_alias=True)
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": False}
