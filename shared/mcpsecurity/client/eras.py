"""The eras of MCP: revisions with a handshake and a session, and revision 2026-07-28 without.

A server that speaks both is spoken to in a session: there a broken stream is resumed, and a tool that asks is
not run again for each answer. So the handshake comes first, which servers of the other era refuse. A server
that opens no session cannot ask a client of that era anything: if it speaks the other one, that is used.
One that takes no POST may have a session by HTTP+SSE, the transport of 2024-11-05, where a GET opens it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, suppress
from typing import Final, NamedTuple

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.memory import MessageStream, create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcpsecurity.client.errors import BridgeError, ProtocolError
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.older_transport import NoOlderTransportError, OlderWire
from mcpsecurity.client.session import CLIENT
from mcpsecurity.client.stateless import StatelessWire
from mcpsecurity.client.stateless_requests import REVISION, Hear, Message, StatelessRequests

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
    async with _session_streams() as (streams, sent, tell), anyio.create_task_group() as tasks:
        wire = StatelessWire(url, client, tell)
        tasks.start_soon(wire.run, sent)
        try:
            yield Transport(*streams, lambda: None, wire.end_request)
        finally:
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _by_older_transport(url: str, client: McpHttpClient) -> AsyncIterator[Transport]:
    async with _session_streams() as (streams, sent, tell), anyio.create_task_group() as tasks:
        wire = OlderWire(url, client, tell)
        tasks.start_soon(wire.listen)
        try:
            tasks.start_soon(wire.run, await wire.address(), sent)
            yield Transport(*streams, lambda: None, wire.end_request)
        finally:
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _session_streams() -> AsyncIterator[
    tuple[MessageStream, AsyncIterator[types.JSONRPCMessage], Hear]
]:
    """Give the two streams of a session of the SDK, the messages that it sends, and what gives it one."""
    async with create_client_server_memory_streams() as (streams, (sent, to_session)):

        async def tell(message: Message) -> None:
            """Give the session a message; one that cannot be read, or comes too late, is left out."""
            with suppress(ValidationError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                parsed = types.JSONRPCMessage.model_validate({"jsonrpc": "2.0", **message})
                await to_session.send(SessionMessage(parsed))

        yield streams, (each.message async for each in sent if isinstance(each, SessionMessage)), tell


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
