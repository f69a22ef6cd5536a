"""The eras of MCP: revisions with a handshake and a session, and revision 2026-07-28 without.

A server that speaks both is spoken to in a session: there a broken stream is resumed, and a tool that asks is
not run again for each answer. So the handshake comes first, which servers of the other era refuse. A server
that opens no session cannot ask a client of that era anything: if it speaks the other one, that is used.
One that takes no POST may have a session by HTTP+SSE, the transport of 2024-11-05, where a GET opens it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Final, NamedTuple

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage

from mcpsecurity.client.errors import BridgeError, ProtocolError
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.older_transport import NoOlderTransportError, older_wire
from mcpsecurity.client.session import CLIENT
from mcpsecurity.client.stateless import stateless_wire
from mcpsecurity.client.stateless_requests import REVISION, StatelessRequests

_PROBE_SECONDS: Final = 5.0


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
    with ExitStack() as afterwards:
        async with streamable_http_client(url, http_client=client) as (read, write, session_id):
            # A session that ends closes what it reads from, and the SDK logs what the server still sends
            # as an error. So the session gets a clone, and this one is closed after the transport.
            afterwards.enter_context(read)
            yield Transport(read.clone(), write, session_id, client.end_post)


@asynccontextmanager
async def _without_sessions(url: str, client: McpHttpClient) -> AsyncIterator[Transport]:
    async with stateless_wire(url, client) as (read, write, wire):
        yield Transport(read, write, lambda: None, wire.end_request)


@asynccontextmanager
async def _by_older_transport(url: str, client: McpHttpClient) -> AsyncIterator[Transport]:
    async with older_wire(url, client) as (read, write, wire):
        yield Transport(read, write, lambda: None, wire.end_request)


HANDSHAKE: Final = Era(None, _with_sessions)
STATELESS: Final = Era(REVISION, _without_sessions)
OLDER: Final = Era(None, _by_older_transport)


async def check_that_it_cannot_ask(url: str, client: McpHttpClient) -> None:
    """Check that a server that has opened no session does not speak 2026-07-28, in which it could ask.

    Raises:
        ProtocolError: it does; the handshake was not the way to speak to it.
    """
    requests = StatelessRequests(url, client)
    requests.introduce(CLIENT.model_dump(exclude_none=True), {})
    with anyio.move_on_after(_PROBE_SECONDS):
        versions = (await requests.discover()).get("result", {}).get("supportedVersions")
        if isinstance(versions, list) and REVISION in versions:
            raise ProtocolError(f"The MCP server at {url} opens no session.", code=types.INVALID_REQUEST)


async def held(first: Era, hold: Callable[[Era], Awaitable[BridgeError | None]]) -> BridgeError | None:
    """Hold a session in the first era in which the server opens one, beginning with `first`; return why it
    opens none.

    The older transport comes last, and after a refusal that is not in JSON-RPC only: a server that has
    Streamable HTTP is spoken to by that.
    """
    refused = await hold(first)
    for era in (HANDSHAKE, STATELESS, OLDER):
        if refused is None or not refused.era_is_doubtful:
            return refused
        if era is first or (era is OLDER and not refused.transport_is_doubtful):
            continue
        again = await hold(era)
        if again is None or (era is OLDER and not isinstance(again, NoOlderTransportError)):
            return again
    return refused
