"""Runs a request: finds its handler, checks its parameters, and translates its errors.

It does not depend on HTTP, streams or sessions: the caller is in the `Call`, and messages go to a `Channel`.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from mcp import types
from mcp.server.auth.provider import AccessToken
from mcp.server.fastmcp.exceptions import ResourceError, ToolError
from mcp.server.fastmcp.tools import Tool
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from pydantic import BaseModel, ValidationError

from mcpsecurity.runtime.failures import without_values
from mcpsecurity_server.transport.dispatch.call_context import enter_call, leave_call, request_context
from mcpsecurity_server.transport.dispatch.capabilities import missing_in
from mcpsecurity_server.transport.dispatch.pagination import LISTS, BadCursorError, page
from mcpsecurity_server.transport.dispatch.relay_session import Channel, RelaySession, UnansweredChannel
from mcpsecurity_server.transport.dispatch.results import failed_tool, model_json
from mcpsecurity_server.transport.dispatch.server_adapter import ServerAdapter
from mcpsecurity_server.transport.identity import CallerRules, CallRefusedError
from mcpsecurity_server.transport.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    RESOURCE_NOT_FOUND,
    MessageError,
    Notification,
    Request,
)

_log = logging.getLogger(__name__)

BeforeCall = Callable[[str, web.Request], Awaitable[None]]
"""Awaited before a tool runs, with its name; may raise an `aiohttp.web.HTTPException`."""

AfterCall = Callable[[str, str, float], None]
"""Called after each tool call: name, outcome (ok, error, input_required, cancelled, failed) and seconds."""


@dataclass(slots=True)
class Call:
    """The caller of a request that is being handled.

    `tool` is the called tool, if it was looked up before. A channel that knows how the call ended sets
    `outcome`.
    """

    session: RelaySession
    http: web.Request
    token: AccessToken | None
    tool: Tool | None = None
    outcome: str | None = None


_REQUESTS: dict[str, type[BaseModel]] = {
    "tools/list": types.ListToolsRequest,
    "tools/call": types.CallToolRequest,
    "prompts/list": types.ListPromptsRequest,
    "prompts/get": types.GetPromptRequest,
    "resources/list": types.ListResourcesRequest,
    "resources/templates/list": types.ListResourceTemplatesRequest,
    "resources/read": types.ReadResourceRequest,
    "resources/subscribe": types.SubscribeRequest,
    "resources/unsubscribe": types.UnsubscribeRequest,
    "completion/complete": types.CompleteRequest,
    "logging/setLevel": types.SetLevelRequest,
}

METHODS = frozenset({"ping", *_REQUESTS})
"""The methods that are dispatched."""

_KEPT_BY_TRANSPORT = frozenset({types.SetLevelRequest, types.SubscribeRequest, types.UnsubscribeRequest})
"""Served without a handler of the program's own: the session stores what they set."""

_NOTIFICATIONS: dict[str, type[BaseModel]] = {
    "notifications/initialized": types.InitializedNotification,
    "notifications/progress": types.ProgressNotification,
    "notifications/roots/list_changed": types.RootsListChangedNotification,
}


class Dispatcher:
    """Runs requests against one FastMCP instance. `lifespan` is the value that its lifespan yielded."""

    def __init__(
        self,
        mcp: ServerAdapter,
        *,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        callers: CallerRules | None = None,
        page_size: int = 500,
    ) -> None:
        self._mcp = mcp
        self._callers = callers
        self._page_size = page_size
        self.guarded = before_call is not None
        """Whether `check` has anything to do."""
        self._before_call = before_call
        self._after_call = after_call
        self.lifespan: Any = None
        self.tool = mcp.direct_tool

    def initialize_result(self, version: str) -> dict[str, Any]:
        """Return the result of `initialize`, as a JSON value."""
        return self._mcp.initialize_result(version, {})

    async def check(self, request: Request, http: web.Request) -> None:
        """Await `before_call` if the request calls a tool. Raises the `web.HTTPException` that it raises."""
        if self._before_call is not None and request.method == "tools/call":
            name = request.params.get("name")
            if isinstance(name, str):
                await self._before_call(name, http)

    async def run(self, request: Request, call: Call, channel: Channel) -> Any:
        """Handle a request and return its result as a JSON value. Messages meanwhile go to the channel.

        Raises:
            MessageError: an error for the client.
            CallRefusedError: a tool wants another token; no other exception is raised, but for cancellation.
        """
        if self._callers is not None and not self._callers.may_answer(call.token):
            channel = UnansweredChannel(channel)
        try:
            if request.method == "tools/call":
                return await self._tool_call(request, call, channel)
            if request.method == "ping":
                return {}
            return await self._generic(request, call, channel, _kind(request))
        except UrlElicitationRequiredError as error:
            raise _as_message(error, request) from error
        except McpError as error:
            raise _as_message(error, request) from error
        except (MessageError, CallRefusedError):
            raise
        except Exception as error:  # the boundary to the program's handlers
            _log.error("%s failed: %s", request.method, without_values(error))
            raise MessageError(INTERNAL_ERROR, "Internal error", request.id) from error

    async def notified(self, notification: Notification) -> None:
        """Pass a notification to its handler, if there is one. A malformed one is ignored, as MCP demands."""
        kind = _NOTIFICATIONS.get(notification.method)
        handler = self._mcp.notification_handler(kind) if kind is not None else None
        if kind is None or handler is None:
            return
        try:
            message = kind.model_validate({"method": notification.method, "params": notification.params})
        except ValidationError:
            return
        try:
            await handler(message)
        except Exception as error:  # noqa: BLE001 - the boundary to the program's handlers
            _log.error("%s failed: %s", notification.method, without_values(error))

    async def _tool_call(self, request: Request, call: Call, channel: Channel) -> Any:
        """Run a tool; one of FastMCP without the SDK's handler, which would validate its output once more."""
        name, arguments, meta = _tool_params(request)
        tool = call.tool or self._mcp.direct_tool(name)
        if tool is None and self._mcp.direct_tools():
            raise MessageError(INVALID_PARAMS, f"Unknown tool: {name[:100]}", request.id)
        started, outcome = time.perf_counter(), "cancelled"
        try:
            if tool is None:
                result = await self._generic(request, call, channel, types.CallToolRequest)
            else:
                context = request_context(request.id, meta, call.session, self.lifespan, call.http, channel)
                entered = enter_call(context, channel, call.token)
                try:
                    result = await self._mcp.run_tool(tool, arguments, context)
                except ToolError as error:
                    result = _tool_failure(error)
                finally:
                    leave_call(entered)
            outcome = "error" if result.get("isError") else "ok"
        except UrlElicitationRequiredError:
            outcome = "input_required"
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            if self._after_call is not None:
                self._after_call(name, call.outcome or outcome, time.perf_counter() - started)
        return result

    async def _generic(self, request: Request, call: Call, channel: Channel, kind: type[BaseModel]) -> Any:
        """Run the handler that is registered with the low-level server."""
        handler = self._mcp.handler(kind)
        if handler is None:
            if kind not in _KEPT_BY_TRANSPORT:
                raise MessageError(METHOD_NOT_FOUND, f"Method not found: {request.method}", request.id)
            self._message(kind, request)
            return {}
        message = self._message(kind, request)
        if isinstance(message, types.GetPromptRequest) and await self._mcp.lacks_prompt(message.params.name):
            raise MessageError(INVALID_PARAMS, f"Unknown prompt: {message.params.name[:100]}", request.id)
        params = getattr(message, "params", None)
        meta = getattr(params, "meta", None)
        context = request_context(request.id, meta, call.session, self.lifespan, call.http, channel)
        entered = enter_call(context, channel, call.token)
        try:
            result = await handler(message)
        except (ResourceError, ValueError) as error:
            if (missing := missing_in(error)) is not None:
                raise missing from error
            raise _known_failure(kind, error, request) from error
        finally:
            leave_call(entered)
        answer = model_json(result.root)
        if request.method == "tools/list" and self._callers is not None and self._callers.hides_tools:
            may_see = self._callers.may_see
            answer["tools"] = [tool for tool in answer["tools"] if may_see(tool["name"], call.token)]
        if request.method in LISTS and self._mcp.lists_whole(kind):
            return self._page(answer, request)
        return answer

    def _page(self, whole: dict[str, Any], request: Request) -> dict[str, Any]:
        try:
            return page(whole, request.method, request.params.get("cursor"), self._page_size)
        except BadCursorError as error:
            raise MessageError(INVALID_PARAMS, str(error), request.id) from None

    def _message(self, kind: type[BaseModel], request: Request) -> BaseModel:
        try:
            params = self._mcp.read_params(request.params)
            return kind.model_validate({"method": request.method, "params": params})
        except ValidationError as error:
            raise _invalid(error, request) from None


def _kind(request: Request) -> type[BaseModel]:
    kind = _REQUESTS.get(request.method)
    if kind is None:
        raise MessageError(METHOD_NOT_FOUND, f"Method not found: {request.method[:100]}", request.id)
    return kind


def _tool_failure(error: ToolError) -> dict[str, Any]:
    """Return the result of a tool that failed; for a missing capability the request itself fails."""
    if (missing := missing_in(error)) is not None:
        raise missing from error
    return failed_tool(str(error))


def _tool_params(request: Request) -> tuple[str, dict[str, Any], types.RequestParams.Meta | None]:
    """Return name, arguments and `_meta`. Plain params are checked without pydantic, ten times as fast."""
    params = request.params
    name, arguments = params.get("name"), params.get("arguments", {})
    if type(name) is str and type(arguments) is dict and "_meta" not in params and "task" not in params:
        return name, arguments, None
    try:
        valid = types.CallToolRequestParams.model_validate(params)
    except ValidationError as error:
        raise _invalid(error, request) from None
    return valid.name, valid.arguments or {}, valid.meta


def _invalid(error: ValidationError, request: Request) -> MessageError:
    """Return the error that names the wrong parameter, without its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part != "params")
    return MessageError(INVALID_PARAMS, f"Invalid params: {where}: {first['msg']}", request.id)


def _known_failure(kind: type[BaseModel], error: Exception, request: Request) -> MessageError:
    """Translate what FastMCP raises when a named thing does not exist, or an argument is missing."""
    if kind is types.ReadResourceRequest:
        code = RESOURCE_NOT_FOUND if "Unknown resource" in str(error) else INTERNAL_ERROR
        text = "Resource not found" if code == RESOURCE_NOT_FOUND else "The resource could not be read"
        return MessageError(code, text, request.id, {"uri": str(request.params.get("uri", ""))[:2000]})
    if kind is types.GetPromptRequest:
        return MessageError(INVALID_PARAMS, f"Invalid params: {error}", request.id)
    _log.error("%s failed: %s", request.method, without_values(error))
    return MessageError(INTERNAL_ERROR, "Internal error", request.id)


def _as_message(error: McpError, request: Request) -> MessageError:
    return MessageError(error.error.code, error.error.message, request.id, error.error.data)
