"""Spans of requests to MCP servers, with trace context that makes the server's spans part of the trace.

As OpenTelemetry's semantic conventions for MCP have it (client spans), with the context in `params._meta`,
under names without a prefix (SEP-414). In a program that has set up no tracer provider there are no spans,
and nothing is sent.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from mcp import types
from mcp.shared.exceptions import McpError
from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue
from yarl import URL

R = TypeVar("R")
Peer = dict[str, AttributeValue]
"""Attributes of the server that a session's requests go to."""

EnterTrace = Callable[[], AbstractContextManager[None]]
"""Enters, for a while, the trace that a task has left."""

_tracer = trace.get_tracer("mcpsecurity.bridge")
_TARGETS = {"tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}


async def traced(
    send: Callable[..., Awaitable[R]],
    request: types.ClientRequest,
    *positional: Any,
    peer: Peer | None = None,
    **options: Any,
) -> R:
    """Return `send(request, …)` in a new span, whose context the request carries."""
    name, attributes = _described(request)
    with _tracer.start_as_current_span(
        name,
        kind=SpanKind.CLIENT,
        attributes=attributes | (peer or {}),
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            result = await send(_carrying_context(request), *positional, **options)
        except McpError as error:
            code = str(error.error.code)
            span.set_attribute("rpc.response.status_code", code)
            _failed(span, code)
            raise
        except BaseException as error:
            _failed(span, type(error).__name__)
            raise
        if isinstance(result, types.CallToolResult) and result.isError:
            _failed(span, "tool_error")
        return result


def out_of_any_trace() -> EnterTrace:
    """Detach this task from the current span; the returned function attaches it again."""
    left = context.get_current()
    context.attach(context.Context())

    @contextmanager
    def back() -> Iterator[None]:
        token = context.attach(left)
        try:
            yield
        finally:
            context.detach(token)

    return back


def peer_of(url: str) -> Peer:
    """Return the attributes for a server at `url`."""
    address = URL(url)
    peer: Peer = {"network.transport": "tcp", "network.protocol.name": "http"}
    if address.host is not None and address.port is not None:
        peer |= {"server.address": address.host, "server.port": address.port}
    return peer


def _described(request: types.ClientRequest) -> tuple[str, dict[str, AttributeValue]]:
    root: Any = request.root
    method: str = root.method
    attributes: dict[str, AttributeValue] = {"mcp.method.name": method}
    if (key := _TARGETS.get(method)) is None:
        return method, attributes
    attributes[key] = root.params.name
    if method == "tools/call":
        attributes["gen_ai.operation.name"] = "execute_tool"
    return f"{method} {root.params.name}", attributes


def _carrying_context(request: types.ClientRequest) -> types.ClientRequest:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    if not carrier:
        return request
    root: Any = request.root
    params = root.params if root.params is not None else types.RequestParams()
    meta = params.meta.model_dump(by_alias=True, exclude_none=True) if params.meta is not None else {}
    made = params.model_copy(update={"meta": types.RequestParams.Meta.model_validate(meta | carrier)})
    return types.ClientRequest(root.model_copy(update={"params": made}))


def _failed(span: trace.Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
