"""All contact with names of the MCP SDK that it does not promise to keep.

Written against mcp 1.30; `tests/server/transport/test_sdk_seams.py` fails and says which name is gone when an
update of the SDK changes one.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar, Token
from datetime import timedelta
from functools import cache
from typing import Any, Protocol, TypeVar

import anyio
from aiohttp import web
from mcp import types
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.tools import Tool
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.lowlevel.server import request_ctx
from mcp.server.session import ServerSession
from mcp.shared.context import RequestContext
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from pydantic import BaseModel
from pydantic_core import to_json

from mcpsecurity.failures import drop_values
from mcpsecurity_server.transport.dispatch.results import tool_result
from mcpsecurity_server.transport.jsonrpc import INTERNAL_ERROR

__all__ = [
    "CallUser",
    "Channel",
    "RelaySession",
    "SdkServer",
    "current_channel",
    "enter_call",
    "leave_call",
    "logging_left_alone",
    "request_context",
    "set_version",
]

R = TypeVar("R", bound=BaseModel)
Handler = Callable[[Any], Awaitable[types.ServerResult]]


class Channel(Protocol):
    """Where messages to the client go while a request is handled, or beside one."""

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification."""

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Send a request and return its result. Raises `McpError` with the client's error."""

    async def close_stream(self) -> None:
        """End the connection that carries the stream; the client comes back and resumes."""


current_channel: ContextVar[Channel | None] = ContextVar("mcp_channel", default=None)
"""The channel of the call that runs now. Tasks that a tool starts inherit it."""


class RelaySession(ServerSession):
    """The session that tools see: every helper of the SDK's own class, sending through a `Channel`.

    What is sent during a call goes to the call's own stream, anything else to `outside`. Unlike its base it
    owns no streams and no task.

    Attributes:
        asking: awaits a question of a method in its place; for those who watch.
    """

    asking: Callable[[str, Awaitable[Any]], Awaitable[Any]] | None = None

    def __init__(self, outside: Channel, client_params: types.InitializeRequestParams | None) -> None:
        # The base class would make memory streams and an exit stack here, which nothing would use.
        self._outside = outside
        self._client_params = client_params

    async def send_request(
        self,
        request: types.ServerRequest,
        result_type: type[R],
        request_read_timeout_seconds: timedelta | None = None,
        metadata: Any = None,  # noqa: ARG002 - the channel is known without it
        progress_callback: Any = None,  # noqa: ARG002 - clients report no progress on what a server asks
    ) -> R:
        """Ask the client and return its answer.

        Raises:
            McpError: the client answered with an error, or not in time.
        """
        method, params = _wire(request)
        seconds = request_read_timeout_seconds.total_seconds() if request_read_timeout_seconds else None
        try:
            with anyio.fail_after(seconds):
                asked = self._channel().ask(method, params)
                result = await (asked if self.asking is None else self.asking(method, asked))
        except TimeoutError:
            error = types.ErrorData(
                code=INTERNAL_ERROR, message=f"The client did not answer {method} in time"
            )
            raise McpError(error) from None
        return result_type.model_validate(result)

    async def send_notification(
        self,
        notification: types.ServerNotification,
        related_request_id: types.RequestId | None = None,  # noqa: ARG002 - the channel is known without it
    ) -> None:
        """Send a notification. List changes and resource updates belong to no call."""
        method, params = _wire(notification)
        unrelated = method.endswith("list_changed") or method == "notifications/resources/updated"
        await (self._outside if unrelated else self._channel()).notify(method, params)

    def _channel(self) -> Channel:
        return current_channel.get() or self._outside


class CallUser(AuthenticatedUser):
    """What lets a call stand for its user, who would have to be made for each call otherwise.

    Whoever has this as a base has the `token` of the request `http`; for a call without a token it stands for
    nobody, see `enter_call`.
    """

    token: AccessToken | None
    http: web.Request

    @property
    def access_token(self) -> AccessToken:  # type: ignore[override] # nobody sets it
        """The token of the request."""
        return self._known

    @property
    def scopes(self) -> list[str]:  # type: ignore[override]
        """What the token is for."""
        return self._known.scopes

    @property
    def username(self) -> str:  # type: ignore[override]
        """The client, as the SDK has it."""
        return self._known.client_id

    @property
    def _known(self) -> AccessToken:
        if self.token is None:
            raise RuntimeError("a call without a token has no user")
        return self.token


def enter_call(
    context: RequestContext[Any, Any, Any], channel: Channel, user: CallUser
) -> tuple[Token[Any], Token[Any], Token[Any]]:
    """Make a request visible to the SDK: `get_context()`, `get_access_token()` and the channel.

    What is returned is for `leave_call`, or else the request would stay in the memory of its own task.
    """
    known = user if user.token is not None else None
    return request_ctx.set(context), current_channel.set(channel), auth_context_var.set(known)


def leave_call(entered: tuple[Token[Any], Token[Any], Token[Any]]) -> None:
    """Put back what was visible before."""
    request, channel, user = entered
    request_ctx.reset(request)
    current_channel.reset(channel)
    auth_context_var.reset(user)


class SdkServer:
    """What the transport needs of a FastMCP instance, registered handlers included."""

    def __init__(self, mcp: FastMCP[Any]) -> None:
        self.mcp = mcp
        self.server: Server[Any, Any] = mcp._mcp_server  # noqa: SLF001 - the seam
        self._tools = mcp._tool_manager  # noqa: SLF001 - the seam
        logging.getLogger(FastMCP.__module__).addFilter(drop_values)  # it logs URIs and prompts' arguments
        self._checked_handler: Handler | None = None
        self._direct_tools = False

    def lifespan(self) -> AbstractAsyncContextManager[Any]:
        """Return the server's lifespan, to be entered once for each application."""
        return self.server.lifespan(self.server)

    def handler(self, request_type: type) -> Handler | None:
        """Return the handler registered for a request type."""
        return self.server.request_handlers.get(request_type)

    def notification_handler(self, notification_type: type) -> Callable[[Any], Awaitable[None]] | None:
        """Return the handler registered for a notification type."""
        return self.server.notification_handlers.get(notification_type)

    def initialize_result(self, version: str, experimental: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to `initialize`, as JSON."""
        everything = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        options = self.server.create_initialization_options(everything, dict(experimental))
        capabilities = options.capabilities
        if capabilities.resources is not None:
            capabilities.resources.subscribe = True
        capabilities.logging = types.LoggingCapability()
        result = types.InitializeResult(
            protocolVersion=version,
            capabilities=capabilities,
            serverInfo=types.Implementation(
                name=options.server_name,
                version=options.server_version,
                websiteUrl=options.website_url,
                icons=options.icons,
            ),
            instructions=options.instructions,
        )
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)

    def direct_tools(self) -> bool:
        """Tell whether `tools/call` still goes to FastMCP's own tools.

        People replace the low-level handler, or override `call_tool`; then what they installed has to run.
        """
        handler = self.handler(types.CallToolRequest)
        if handler is not self._checked_handler:
            self._checked_handler = handler
            self._direct_tools = self._is_own(handler, FastMCP.call_tool)
        return self._direct_tools

    def direct_tool(self, name: str) -> Tool | None:
        """Return a registered tool that `tools/call` still goes to."""
        if self.server.request_handlers.get(types.CallToolRequest) is self._checked_handler:
            return self._tools.get_tool(name) if self._direct_tools else None
        return self._tools.get_tool(name) if self.direct_tools() else None

    def lists_whole(self, request_type: type) -> bool:
        """Tell whether a list request goes to this FastMCP, which does not look at cursors."""
        return self._method_of(self.handler(request_type)) is not None

    def _is_own(self, handler: Handler | None, method: Callable[..., Any]) -> bool:
        """Tell whether a low-level handler wraps this FastMCP's own, not overridden method."""
        return self._method_of(handler) is method

    def _method_of(self, handler: object) -> Callable[..., Any] | None:
        """Return the method of this FastMCP that a low-level handler wraps, directly or by a wrapper."""
        cells = _closure(handler)
        function = cells.get("func") or _closure(cells.get("wrapper")).get("func")
        if function is None or getattr(function, "__self__", None) is not self.mcp:
            return None
        method: Callable[..., Any] = function.__func__
        return method

    def is_tool(self, name: Any) -> bool:
        """Tell whether a tool of this name is registered."""
        return isinstance(name, str) and self._tools.get_tool(name) is not None

    def lacks_prompt(self, name: str) -> bool:
        """Tell whether prompts are FastMCP's own and it has none of this name."""
        own = self._is_own(self.handler(types.GetPromptRequest), FastMCP.get_prompt)
        return own and self.mcp._prompt_manager.get_prompt(name) is None  # noqa: SLF001 - the seam

    async def run_tool(
        self, tool: Tool, arguments: dict[str, Any], context: RequestContext[Any, Any, Any]
    ) -> dict[str, Any]:
        """Run a tool as `Tool.run` does; return the result of `tools/call`, as a JSON value.

        Raises:
            ToolError: arguments, function or result are wrong; the text is for the model.
            UrlElicitationRequiredError: the user has to visit a page first.
        """
        try:
            keywords = _keywords(tool, arguments)
            if tool.context_kwarg is not None:
                keywords[tool.context_kwarg] = _CallContext.of(context, self.mcp)
            result = tool.fn(**keywords)
            if tool.is_async:
                result = await result
            return _converted(tool, result)
        except UrlElicitationRequiredError:
            raise
        except Exception as error:
            raise ToolError(f"Error executing tool {tool.name}: {error}") from error


class _CallContext(Context[Any, Any, Any]):
    """FastMCP's context, made without validating that it has no fields, and quick to ask."""

    @classmethod
    def of(cls, context: RequestContext[Any, Any, Any], mcp: FastMCP[Any]) -> "_CallContext":
        """Do what `Context(request_context=…, fastmcp=…)` does."""
        made = cls.__new__(cls)
        _set(made, "__dict__", {})
        _set(made, "__pydantic_fields_set__", set())
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", {"_request_context": context, "_fastmcp": mcp})
        return made

    @property
    def request_context(self) -> RequestContext[Any, Any, Any]:
        private: dict[str, Any] = self.__pydantic_private__ or {}
        found: RequestContext[Any, Any, Any] = private["_request_context"]
        return found


_set = object.__setattr__


def _keywords(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return validated arguments. JSON in strings, which some clients send, is looked for in strings only."""
    metadata = tool.fn_metadata
    if str in map(type, arguments.values()):
        arguments = metadata.pre_parse_json(arguments)
    kind = metadata.arg_model
    model = kind.__pydantic_validator__.validate_python(arguments)
    keywords: dict[str, Any] = model.model_dump_one_level() if _has_aliases(kind) else model.__dict__
    return keywords


@cache
def _has_aliases(kind: type[BaseModel]) -> bool:
    """Tell whether arguments have other names than the fields; else the fields are the arguments."""
    return any(field.alias for field in kind.model_fields.values())


@cache
def _is_content(kind: type) -> bool:
    """Tell whether a model is content by itself, which goes to the model as it is."""
    return issubclass(kind, types.ContentBlock)


def _converted(tool: Tool, result: Any) -> dict[str, Any]:
    """Do what `convert_result` does; a model of the declared class needs no second validation."""
    metadata, kind = tool.fn_metadata, type(result)
    if kind is not metadata.output_model or metadata.wrap_output or _is_content(kind):
        return tool_result(metadata.convert_result(result))
    text = to_json(result, fallback=str, indent=2).decode()
    structured = kind.__pydantic_serializer__.to_python(result, mode="json", by_alias=True)
    return {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": False}


@contextmanager
def logging_left_alone() -> Iterator[None]:
    """Keep FastMCP, while it is made, from configuring the process's logging: that is the program's.

    Where nothing is configured it would log everything from INFO on through Rich, at milliseconds a line.
    """
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)  # with a handler `basicConfig` does nothing
    try:
        yield
    finally:
        root.removeHandler(handler)


def set_version(mcp: FastMCP[Any], version: str) -> None:
    """Say which version of the program is served; FastMCP has no parameter for it, and says the SDK's."""
    mcp._mcp_server.version = version  # noqa: SLF001 - the seam


def _closure(function: object) -> dict[str, Any]:
    """Return what a nested function has from around it, by name."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    cells = getattr(function, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=True)}


def request_context(
    request_id: types.RequestId,
    meta: types.RequestParams.Meta | None,
    session: RelaySession,
    lifespan: Any,
    request: Any,
    channel: Channel,
) -> RequestContext[Any, Any, Any]:
    """Return the context that tools see as `ctx.request_context`."""
    return RequestContext(
        request_id=request_id,
        meta=meta,
        session=session,
        lifespan_context=lifespan,
        request=request,
        close_sse_stream=channel.close_stream,
        close_standalone_sse_stream=None,
    )


def _wire(message: BaseModel) -> tuple[str, dict[str, Any] | None]:
    content = message.model_dump(by_alias=True, mode="json", exclude_none=True)
    return content["method"], content.get("params")
