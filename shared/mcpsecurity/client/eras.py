"""The two eras of MCP: revisions with a handshake and a session, and revision 2026-07-28 without.

A server that speaks both is spoken to in a session: there a broken stream is resumed, and a tool that asks is
not run again for each answer. So the handshake comes first, which servers of the other era refuse.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, NamedTuple

from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.stateless import stateless_wire
from mcpsecurity.client.stateless_requests import REVISION

__all__ = ["HANDSHAKE", "STATELESS", "Era", "Transport"]


class Transport(NamedTuple):
    """What carries the messages of a session while it is open. `session_id` returns the server's id for it;
    `end_request` ends a request whose caller has left."""

    read: MemoryObjectReceiveStream[SessionMessage | Exception]
    write: MemoryObjectSendStream[SessionMessage]
    session_id: Callable[[], str | None]
    end_request: Callable[[types.RequestId], None]


class Era(NamedTuple):
    """How servers of an era are spoken to. `revision` is None where `initialize` says it."""

    revision: str | None
    transport: Callable[[str, McpHttpClient], AbstractAsyncContextManager[Transport]]


@asynccontextmanager
async def _with_sessions(url: str, client: McpHttpClient) -> AsyncIterator[Transport]:
    async with streamable_http_client(url, http_client=client) as (read, write, session_id):
        yield Transport(read, write, session_id, client.end_post)


@asynccontextmanager
async def _without_sessions(url: str, client: McpHttpClient) -> AsyncIterator[Transport]:
    async with stateless_wire(url, client) as (read, write, wire):
        yield Transport(read, write, lambda: None, wire.end_request)


HANDSHAKE: Final = Era(None, _with_sessions)
STATELESS: Final = Era(REVISION, _without_sessions)
