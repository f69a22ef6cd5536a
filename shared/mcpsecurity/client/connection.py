"""A connection to an MCP server that can be opened in one task and closed in another."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
import httpx
from mcp import ClientSession, types
from mcp.client.session import ElicitationFnT, SamplingFnT
from mcp.shared.exceptions import McpError
from mcp.shared.session import ProgressFnT
from pydantic import ValidationError

from mcpsecurity.client import sdk_errors
from mcpsecurity.client.eras import HANDSHAKE, Era, check_that_it_cannot_ask, held
from mcpsecurity.client.errors import BridgeError, ProtocolError, SessionLostError
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.http_errors import shown
from mcpsecurity.client.lenient_results import (
    ListedPrompts,
    ListedResources,
    ListedTemplates,
    ListedTools,
    P,
    ReadableContents,
    ReadablePrompt,
    ResourceUri,
)
from mcpsecurity.client.pipes import Command
from mcpsecurity.client.session import CLIENT, ConcurrentSession, all_pages, call_tool
from mcpsecurity.client.stdio import command_session
from mcpsecurity.client.time_limits import TimeLimits
from mcpsecurity.client.tracing import EnterTrace, out_of_any_trace, peer_of
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.sentences import Sentence
from mcpsecurity.telemetry.names import session_attributes

T = TypeVar("T")

OnNotification = Callable[[types.ServerNotification], Awaitable[None]]
Ready = asyncio.Future[None]

_CLOSE_SECONDS = 5.0
_CLOSED = (anyio.ClosedResourceError, anyio.BrokenResourceError)


class McpConnection:
    """A connection to one MCP server, with at most one open session, which a task of its own holds.

    Use it as an async context manager, or call `open` and `aclose`; `aclose` may be called from any task, and
    more than once. When the server does not know the session any more, the next call opens a new one.

    Args:
        url: the MCP endpoint; or a command of this machine, which runs while a session is open. It needs
            neither `auth` nor TLS.
        auth: puts a token on each request, for example `TokenAuth`, or a key: `HeaderAuth`. The time that it
            takes, such as a sign-in of minutes, does not count towards `timeout`.
        elicitation: answers the server's questions to the person, each in a task of its own.
        sampling: answers the server's requests to the model, each in a task of its own.
        on_notification: called with each notification, such as list changes and log messages.
        ca_file: PEM file of a certificate authority to trust besides the system's.
        tls: the TLS context to use instead of `ca_file`; several connections may use the same one.
        timeout: seconds until an answer must *begin*. A stream may be silent for any time after that.

    Attributes:
        url: the MCP endpoint; of a command its name.
        on_open: called whenever a session has been opened: the first one, and each one after a loss.
        server: what the server says of itself, with the revision that is spoken.
        era: how the server is spoken to, found when a session is opened. If it is known, set it before:
            `STATELESS` for a server of 2026-07-28 only, `OLDER` for one that has HTTP+SSE only.
        session_id: the session's `Mcp-Session-Id`, if the server sent one.
        left_out: names of the tools in the last listing that could not be read.
    """

    def __init__(
        self,
        url: str | Command,
        *,
        auth: httpx.Auth | None = None,
        elicitation: ElicitationFnT | None = None,
        sampling: SamplingFnT | None = None,
        on_notification: OnNotification | None = None,
        ca_file: Path | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._command = url if isinstance(url, Command) else None
        self.url = url if isinstance(url, str) else url.label
        self._auth = auth
        self._callbacks: dict[str, Any] = {
            "elicitation_callback": elicitation,
            "sampling_callback": sampling,
            "message_handler": self._heard,
            "client_info": CLIENT,
        }
        self._can_be_asked = elicitation is not None or sampling is not None
        self._on_notification = on_notification
        self._ca_file = ca_file
        self._time_limits = TimeLimits(timeout)
        self._tls = tls
        self._timeout = httpx.Timeout(timeout, read=None)
        self._lock = asyncio.Lock()
        self._client: McpHttpClient | None = None
        self._session: ConcurrentSession | None = None
        self._owner: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self.on_open: Callable[[], None] = lambda: None
        self.server: types.InitializeResult | None = None
        self.era = HANDSHAKE
        self.session_id: str | None = None
        self.left_out: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def session(self) -> ClientSession:
        """The open session.

        Raises:
            SessionLostError: no session is open.
        """
        if self._session is None:
            raise SessionLostError(Sentence("The connection to the MCP server is not open."))
        return self._session

    async def open(self) -> None:
        """Connect and initialize, unless connected already.

        Raises:
            BridgeError: it failed; the type says why, such as `SignInRequiredError`.
        """
        self.check_loop()
        async with self._lock:
            if self._session is None:
                await self._end_owner()
                await self._start()

    async def aclose(self) -> None:
        """Close the session and end its open requests.

        Raises:
            BridgeError: the session is open in another event loop.
        """
        if self._owner is not None and not self._owner.done():
            self.check_loop()
        async with self._lock:
            await self._end_owner()

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        progress: ProgressFnT | None = None,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult:
        """Call a tool; see `mcpsecurity.client.session.call_tool`. Raises `BridgeError`."""
        return await self._on_session(lambda session: call_tool(session, name, arguments, progress, meta))

    async def ping(self) -> None:
        """Return if the server answers. Raises `BridgeError`."""
        await self._on_session(lambda session: self._in_time(session.send_ping()))

    async def list_tools(self) -> list[types.Tool]:
        """Return all tools, from every page."""
        pages = await self._pages(ListedTools)
        self.left_out = [name for page in pages for name in page.left_out]
        listed = [tool for page in pages for tool in page.tools]
        return list({tool.name: tool for tool in reversed(listed)}.values())[::-1]

    async def list_prompts(self) -> list[types.Prompt]:
        """Return all prompts, from every page."""
        return [prompt for page in await self._pages(ListedPrompts) for prompt in page.prompts]

    async def list_resources(self) -> list[types.Resource]:
        """Return all resources, from every page."""
        return [resource for page in await self._pages(ListedResources) for resource in page.resources]

    async def list_resource_templates(self) -> list[types.ResourceTemplate]:
        """Return all resource templates, from every page."""
        return [each for page in await self._pages(ListedTemplates) for each in page.resourceTemplates]

    async def complete(
        self,
        reference: types.PromptReference | types.ResourceTemplateReference,
        name: str,
        value: str,
        others: dict[str, str],
    ) -> list[str]:
        """Return values for the argument `name` of a prompt or a template that begin with `value`; `others`
        are the arguments that are known."""
        params = types.CompleteRequestParams(
            ref=reference,
            argument=types.CompletionArgument(name=name, value=value),
            context=types.CompletionContext(arguments=others),
        )
        request = types.ClientRequest(types.CompleteRequest(params=params))
        result = await self._on_session(
            lambda s: self._in_time(s.send_request(request, types.CompleteResult))
        )
        return result.completion.values

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        """Return a prompt's messages."""
        params = types.GetPromptRequestParams(name=name, arguments={k: str(v) for k, v in arguments.items()})
        request = types.ClientRequest(types.GetPromptRequest(params=params))
        return await self._on_session(lambda s: self._in_time(s.send_request(request, ReadablePrompt)))

    async def read_resource(self, uri: str) -> types.ReadResourceResult:
        """Return a resource's contents."""
        if not uri or not uri.isprintable():
            text = Sentence("{uri} is not the URI of a resource.", uri=uri[:200])
            raise ProtocolError(text, code=types.INVALID_PARAMS)
        params = types.ReadResourceRequestParams(uri=ResourceUri(uri))
        request = types.ClientRequest(types.ReadResourceRequest(params=params))
        return await self._on_session(lambda s: self._in_time(s.send_request(request, ReadableContents)))

    async def _pages(self, kind: type[P]) -> list[P]:
        try:
            return await self._on_session(lambda session: self._in_time(all_pages(session, kind)))
        except ProtocolError as error:
            if error.code != types.METHOD_NOT_FOUND:
                raise sdk_errors.named(error, self.url) from error.__cause__
            return []  # it has nothing of the kind

    async def _on_session(self, work: Callable[[ClientSession], Awaitable[T]]) -> T:
        """Run `work` on the open session.

        If the server answers that it does not know the session, and so has not taken the request, run it once
        more on a new session."""
        await self.open()
        session = self.session
        try:
            return await self._translated(work(session))
        except SessionLostError:
            await self._forget(session)
            await self.open()
            return await self._translated(work(self.session))

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Raise `ServerUnavailableError` if `work` takes too long. Time pauses while a person answers."""
        try:
            async with self._time_limits.limit():
                return await work
        except TimeoutError as error:
            raise sdk_errors.late(self.url, self._time_limits.seconds) from error

    async def _translated(self, work: Awaitable[T]) -> T:
        session = self._session
        try:
            return await work
        except McpError as error:
            failure = sdk_errors.typed_error(error, self._client, has_id=self.session_id is not None)
            if sdk_errors.is_closed(error) or failure.session_is_doubtful:
                await self._forget(session)
            raise failure from error
        except ValidationError as error:
            raise sdk_errors.unreadable(self.url) from error
        except _CLOSED as error:
            await self._forget(session)
            raise sdk_errors.session_closed() from error

    def check_loop(self) -> None:
        """Check that this is the event loop that opened the connection.

        Raises:
            BridgeError: it is another one.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop and (self._owner is not None or self._lock.locked()):
            raise BridgeError(
                "This connection was opened in another event loop. Open, use and close it in one, for example"
                " inside one asyncio.run(…)."
            )
        self._loop = loop

    async def _start(self) -> None:
        ready: Ready = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._owner = asyncio.create_task(self._own(ready, self._leave), name=f"mcp {shown(self.url)}")
        try:
            await asyncio.shield(ready)
        except asyncio.CancelledError:
            ready.cancel()
            self._owner.cancel()
            raise

    async def _own(self, ready: Ready, leave: asyncio.Event) -> None:
        """Hold the session open until `leave` is set. This one task enters and leaves all scopes."""
        opening = out_of_any_trace()  # for what arrives later belongs to other calls than the first
        try:
            if self._command is not None:
                await self._hold_command(self._command, ready, leave)
            else:
                await self._hold_by_http(opening, ready, leave)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(sdk_errors.opening_error(error, self.url))
            elif isinstance(error, asyncio.CancelledError):
                raise
        finally:
            if self._leave is leave:
                self._session = None
            if not ready.done():  # the SDK's task groups swallow a cancellation that began in them
                ready.set_exception(sdk_errors.session_closed())

    async def _hold_command(self, command: Command, ready: Ready, leave: asyncio.Event) -> None:
        async with command_session(command, leave, **self._callbacks) as (session, server):
            session.answering = self._time_limits.paused
            self.server, self._session = server, session
            self.on_open()
            ready.set_result(None)
            await leave.wait()

    async def _hold_by_http(self, opening: EnterTrace, ready: Ready, leave: asyncio.Event) -> None:
        async with McpHttpClient(
            auth=self._time_limits.auth(self._auth) if self._auth is not None else None,
            timeout=self._timeout,
            limits=self._time_limits,
            headers={"Accept-Encoding": "identity"},  # proxies break off compressed streams
            verify=self._tls or client_ssl_context(self._ca_file),
            trust_env=False,
            proxy=proxy_for(self.url),
        ) as client:
            self._client = client
            refused = await held(self.era, lambda era: self._held(era, client, opening, ready, leave))
            if refused is not None and not ready.done():
                ready.set_exception(refused)

    async def _held(
        self, era: Era, client: McpHttpClient, opening: EnterTrace, ready: Ready, leave: asyncio.Event
    ) -> BridgeError | None:
        """Hold a session of an era open until `leave` is set; return why it could not be opened."""
        try:
            await self._hold(era, client, opening, ready, leave)
        except BaseException as error:
            refused = sdk_errors.opening_error(error, self.url)
            if ready.done() or not isinstance(refused, BridgeError):
                raise
            return refused
        return None

    async def _hold(
        self, era: Era, client: McpHttpClient, opening: EnterTrace, ready: Ready, leave: asyncio.Event
    ) -> None:
        async with (
            era.transport(self.url, client) as transport,
            ConcurrentSession(transport.read, transport.write, **self._callbacks) as session,
        ):
            with client.heard():
                session.peer, session.answering = peer_of(self.url), self._time_limits.paused
                session.end_post = transport.end_request
                with opening():
                    server = await self._in_time(self._translated(session.initialize()))
                    if era is HANDSHAKE and transport.session_id() is None and self._can_be_asked:
                        await check_that_it_cannot_ask(self.url, client)
                revision = era.revision or str(server.protocolVersion)
                self.server = server.model_copy(update={"protocolVersion": revision})
                self.era, self._session, self.session_id = era, session, transport.session_id()
                session.peer |= session_attributes(revision, self.session_id)
                self.on_open()
                ready.set_result(None)
                await leave.wait()

    async def _forget(self, session: ClientSession | None) -> None:
        """Close `session`, unless another one has been opened since."""
        if session is None or asyncio.current_task() is self._owner:
            return
        async with self._lock:
            if self._session is session:
                await self._end_owner()

    async def _end_owner(self) -> None:
        owner, self._owner, self._session = self._owner, None, None
        if owner is None or owner.done():
            return
        self._leave.set()
        done, _ = await asyncio.wait([owner], timeout=_CLOSE_SECONDS)
        if not done:
            owner.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([owner])

    async def _heard(self, message: Any) -> None:
        if self._on_notification is not None and isinstance(message, types.ServerNotification):
            await self._on_notification(message)
