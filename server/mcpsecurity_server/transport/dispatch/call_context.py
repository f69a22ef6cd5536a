"""Makes a running request visible to the SDK: `get_context()`, `get_access_token()` and the channel."""

from contextvars import Token
from typing import Any

from mcp import types
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel.server import request_ctx
from mcp.shared.context import RequestContext

from mcpsecurity_server.transport.dispatch.relay_session import Channel, RelaySession, current_channel

Entered = tuple[Token[Any], Token[Any], Token[Any]]


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


def enter_call(
    context: RequestContext[Any, Any, Any], channel: Channel, token: AccessToken | None
) -> Entered:
    """Set the context variables of a call. Pass the result to `leave_call`.

    Otherwise the task of the HTTP request would keep the call in memory.
    """
    user = AuthenticatedUser(token) if token is not None else None
    return request_ctx.set(context), current_channel.set(channel), auth_context_var.set(user)


def leave_call(entered: Entered) -> None:
    """Restore the context variables."""
    request, channel, user = entered
    request_ctx.reset(request)
    current_channel.reset(channel)
    auth_context_var.reset(user)
