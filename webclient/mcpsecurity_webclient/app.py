"""Assembles the web chat: `create_app` returns the application."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Sized
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import aiohttp_jinja2
import aiohttp_session
import jinja2
from aiohttp import web

from mcpsecurity.client import BridgeError, SignInRequiredError
from mcpsecurity.oidc.azure_identity import azure_identity
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.proxy import proxied
from mcpsecurity.runtime.service import PRIVATE_LISTENERS
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_webclient.auth.entra import EntraClient, ServerTokens
from mcpsecurity_webclient.auth.person import Handler, Person
from mcpsecurity_webclient.auth.routes import add_auth_routes
from mcpsecurity_webclient.auth.server_routes import add_server_routes, server_sign_in_url
from mcpsecurity_webclient.auth.server_sign_ins import PersonAuth, ServerSignIns
from mcpsecurity_webclient.auth.sessions import ServerSideStorage
from mcpsecurity_webclient.auth.urls import sign_in_url
from mcpsecurity_webclient.chat.agent.offered_models import open_models
from mcpsecurity_webclient.chat.conversation import ChatDependencies, ChatService, owner_of
from mcpsecurity_webclient.chat.directory import ChatDirectory
from mcpsecurity_webclient.chat.mcp.policy import ToolPolicy
from mcpsecurity_webclient.chat.mcp.server import McpServer, ServerCallbacks
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import ToolChoice
from mcpsecurity_webclient.chat.tools.person_grants import PersonGrants
from mcpsecurity_webclient.errors import StoreError, UnknownServerError
from mcpsecurity_webclient.replicas.backends import event_bus, request_log, web_state
from mcpsecurity_webclient.settings import McpServerSettings, WebSettings
from mcpsecurity_webclient.store import ConversationStore, Owner
from mcpsecurity_webclient.telemetry import Gauge, register_gauges
from mcpsecurity_webclient.web.access import DENIALS, error_middleware, guard_middleware, number_requests
from mcpsecurity_webclient.web.assets import Assets
from mcpsecurity_webclient.web.chat_routes import KEEP_ALIVE, PATIENCE, add_chat_api
from mcpsecurity_webclient.web.event_streams import Streams
from mcpsecurity_webclient.web.instrumentation import instrument_requests
from mcpsecurity_webclient.web.pages import add_pages
from mcpsecurity_webclient.web.preferences import add_preferences, preferences_middleware
from mcpsecurity_webclient.web.rate_limit import rate_middleware
from mcpsecurity_webclient.web.security_headers import set_headers

if TYPE_CHECKING:
    from mcpsecurity_webclient.replicas.forwarding import Replicas

_log = logging.getLogger(__name__)
_FOLDER = Path(__file__).parent
_SWEEP_SECONDS = 15.0
_DAY = 86_400.0
_MAX_BODY = 6 * 1024 * 1024  # of a message with files
_LONGEST_PATH = 250

Clock = Callable[[], float]


def create_app(
    settings: WebSettings,
    *,
    clock: Clock = time.time,
    sweep_every: float = _SWEEP_SECONDS,
    keep_alive: float = KEEP_ALIVE,
    patience: float = PATIENCE,
    instrumented: bool = False,
) -> web.Application:
    """Return the application.

    `clock` returns seconds since 1970. Expired sessions end, and unused conversations are closed, every
    `sweep_every` seconds. A silent event stream sends a sign of life every `keep_alive` seconds; a page that
    does not read for `patience` seconds is disconnected. With `instrumented`, requests have spans and gauges
    are registered with OpenTelemetry.
    """
    app = web.Application(client_max_size=_MAX_BODY)
    assembly = _Assembly(settings, clock)
    storage = ServerSideStorage(assembly.sessions, secure=settings.secure, clock=clock)
    # The first `error_middleware` is for errors of the session storage.
    app.middlewares.extend([number_requests, preferences_middleware, error_middleware])
    aiohttp_session.setup(app, storage)
    app.middlewares.extend([error_middleware, guard_middleware(settings)])
    if instrumented:
        app.middlewares.append(instrument_requests)
        register_gauges(assembly.counts(), DENIALS)
    if assembly.replicas is not None:
        app[PRIVATE_LISTENERS] = []
        app.middlewares.append(assembly.replicas.middleware)
        app.cleanup_ctx.append(assembly.among_replicas)
    app.middlewares.append(rate_middleware(settings.commands_per_minute))
    _add_routes(app, assembly, keep_alive=keep_alive, patience=patience)
    app.middlewares.append(_refuse_long_names)
    set_headers(app, secure=settings.secure, form_targets=assembly.form_targets)
    app.on_shutdown.append(assembly.end_streams)
    app.cleanup_ctx.extend([assembly.connections, _sweeper(assembly, sweep_every)])
    return app


def _add_routes(app: web.Application, assembly: "_Assembly", *, keep_alive: float, patience: float) -> None:
    pages = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        auto_reload=False,
    )
    add_preferences(app, pages)
    assets = Assets(_FOLDER / "static", bundled=assembly.settings.bundled)
    pages.globals.update(
        static=assets.url,
        style_sheets=assets.style_sheets,
        modules=assets.modules,
        max_message=assembly.settings.max_message,
    )
    add_auth_routes(
        app, assembly.settings, assembly.entra, assembly.end_session, assembly.flows, assembly.clock
    )
    add_server_routes(app, assembly.settings, assembly.sign_ins, assembly.flows, assembly.clock)
    add_pages(app, assembly.directory, assembly.missing)
    add_chat_api(
        app,
        assembly.directory,
        assembly.streams,
        sign_out_of=assembly.sign_out_of,
        max_message=assembly.settings.max_message,
        keep_alive=keep_alive,
        patience=patience,
    )
    assets.add_routes(app.router)


@web.middleware
async def _refuse_long_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 404 for a static file with an overlong name, on which the file system would raise."""
    if request.path.startswith("/static/") and len(request.path.encode(errors="replace")) > _LONGEST_PATH:
        raise web.HTTPNotFound
    return await handler(request)


class _Assembly:
    """The parts that the routes share, made from the settings."""

    def __init__(self, settings: WebSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._tls = client_ssl_context(settings.ca_file)
        self._shared_by_chats: ChatDependencies | None = None
        state = self._state = web_state(settings, clock)
        self._redis, self.sessions, self.flows = state.redis, state.sessions, state.flows
        self.entra = EntraClient(settings, state.caches, self._tls, clock)
        self.sign_ins = ServerSignIns(settings, state.grants, self._tls, clock)
        self.streams = Streams(settings.max_streams)
        identity = azure_identity(settings)
        password = identity.database_password if identity is not None else None
        self._store = ConversationStore(settings.database, clock=clock, password=password)
        self._grants: WeakValueDictionary[Owner, PersonGrants] = WeakValueDictionary()
        self.directory = ChatDirectory(
            self._make_chat,
            self._store,
            limit=settings.max_chats,
            idle_after=settings.connection_idle,
            max_runs=settings.max_runs,
            retention=settings.retention_days and settings.retention_days * _DAY,
            clock=clock,
        )
        self.replicas = self._replicas()

    async def connections(self, _: web.Application) -> AsyncIterator[None]:
        """Keep the store, Entra ID's client and the models open while the application runs."""
        for sentence in proxied(self._outside()):
            _log.info("%s", sentence)
        async with self._store, self.entra, open_models(self.settings, self._tls) as models:
            self._shared_by_chats = ChatDependencies(
                self.settings,
                models,
                self._store,
                self._make_servers,
                self._grants_of,
                self._ask_to_sign_in,
                self.directory.tell_pages,
                self.clock,
            )
            yield
            await self.directory.aclose(self.settings.stop_grace)
            await self.sign_ins.aclose()

    def _outside(self) -> list[str]:
        """Return the URLs that the chat asks."""
        models = [model.endpoint.base_url for model in self.settings.models.values()]
        return [self.settings.authority, *models, *(server.url for server in self.settings.servers)]

    async def missing(self) -> list[str]:
        """Return the names of the backends that the chat needs and cannot reach."""
        checks = {"database": self._store.check}
        if self._redis is not None:
            checks |= {"redis": self._redis.check, "clock": self._redis.check_clock}
        gone = []
        for name, check in checks.items():
            try:
                await check()
            except (StoreError, RedisUnavailableError):
                gone.append(name)
        return gone

    def counts(self) -> dict[str, Gauge]:
        """Return the gauges by name."""
        opened, sessions = self.directory.opened, self.sessions
        counts: dict[str, Gauge] = {
            "mcpsecurity.chat.conversations": ("Conversations that are open.", lambda: len(opened())),
            "mcpsecurity.chat.pages": ("Pages that follow a conversation.", lambda: len(self.streams)),
            "mcpsecurity.chat.approvals": (
                "Calls that wait for a decision.",
                lambda: sum(chat.state.waiting for chat in opened()),
            ),
            "mcpsecurity.chat.questions": (
                "Servers' questions that wait for an answer.",
                lambda: sum(len(chat.questions) for chat in opened()),
            ),
        }
        if isinstance(sessions, Sized):
            counts["mcpsecurity.chat.sessions"] = ("Sessions of people.", lambda: len(sessions))
        return counts

    async def end_streams(self, _: web.Application) -> None:
        """End the event streams, so that stopping does not wait for them."""
        self.streams.close()
        if self.replicas is not None:
            self.replicas.end_streams()

    async def end_session(self, sid: str, reason: str) -> None:
        """End a session's pages, runs, connections and tokens, on every replica."""
        await self._end_here(sid, reason)
        await self.entra.forget(sid)
        await self.sign_ins.forget(sid)
        await self.sessions.end(sid)
        if self.replicas is not None:
            await self.replicas.broadcast_session_end(sid, reason)

    async def sign_out_of(self, person: Person, server: str) -> None:
        """End what a person's session has at one server, and let the person go on without it.

        Raises:
            UnknownServerError: nobody signs in for a server of this name.
            RedisUnavailableError: the tokens cannot be reached, and stay.
        """
        if not self.sign_ins.knows(server):
            raise UnknownServerError
        async with self.directory.leaving_server(person, server):
            grant = await self.sign_ins.take(person.sid, server)
        if grant is not None:
            await self.sign_ins.revoke(server, grant)

    async def among_replicas(self, app: web.Application) -> AsyncIterator[None]:
        """Take part in the replicas from before the first request until everything is closed and saved."""
        if self._redis is None or self.replicas is None:
            raise RuntimeError("there is one replica only")
        host = self.settings.replica_host
        with socket.create_server((host, self.settings.replica_port), backlog=1024) as listener:
            app[PRIVATE_LISTENERS].append(listener)
            async with self._redis:
                await self.replicas.start(f"http://{host}:{listener.getsockname()[1]}")
                tasks = [
                    asyncio.create_task(self.replicas.keep_leases(), name="keep leases"),
                    asyncio.create_task(self.replicas.listen(), name="listen to other replicas"),
                ]
                yield
                await end_tasks(*tasks)
                await self.replicas.stop()
                if self._state.logs is not None:
                    await self._state.logs.aclose()

    async def _end_here(self, sid: str, reason: str) -> None:
        self.streams.expire(sid, reason, "/signin")
        await self.directory.end_session(sid, signed_out=reason == "signed_out")
        self.entra.let_go(sid)

    async def form_targets(self) -> str:
        """Return the origins that the sign-out form may be redirected to."""
        return " ".join(filter(None, {self.settings.authority, await self.entra.sign_out_origin()}))

    async def sweep(self) -> None:
        """End expired sessions, and close conversations that are no longer used."""
        for record in await self.sessions.sweep():
            await self.end_session(record.data["user"]["sid"], "expired")
        await self.directory.sweep()

    def _replicas(self) -> "Replicas | None":
        if self._redis is None:
            return None
        from mcpsecurity_webclient.replicas.forwarding import Replicas  # noqa: PLC0415 - needs redis

        directory = self.directory
        return Replicas(
            self._redis,
            in_use=directory.in_use,
            unload=directory.unload,
            recheck=directory.recheck,
            ended=self._end_here,
        )

    def _make_chat(self, chat_id: str, person: Person) -> ChatService:
        if self._shared_by_chats is None:
            raise RuntimeError("the application has not been started")
        owner = owner_of(person)
        return ChatService(
            chat_id,
            person,
            self._shared_by_chats,
            events=event_bus(self._state, owner, chat_id, self.clock),
            log=request_log(self._state, owner, chat_id, self.clock),
        )

    def _grants_of(self, owner: Owner) -> PersonGrants:
        return self._grants.setdefault(owner, PersonGrants(self._store.grants, owner))

    def _ask_to_sign_in(self, chat: ChatService, error: SignInRequiredError) -> None:
        url = sign_in_url(f"/chats/{chat.chat_id}", error.claims, error.scope)
        self.streams.expire(chat.sid, "token", url, chat)

    def _make_servers(
        self, chat_id: str, callbacks: ServerCallbacks, acting: Callable[[], Person], choice: ToolChoice
    ) -> McpServers:
        made = [self._make_server(chat_id, s, callbacks, acting) for s in self.settings.servers]
        return McpServers(made, choice, max_tools=self.settings.max_tools)

    def _make_server(
        self,
        chat_id: str,
        server: McpServerSettings,
        callbacks: ServerCallbacks,
        acting: Callable[[], Person],
    ) -> McpServer:
        policy = ToolPolicy(server, lambda: acting().roles)
        if server.sign_in == "oauth":
            own = PersonAuth(self.sign_ins, lambda: acting().sid, server.name)

            def sign_in(error: BridgeError) -> str:
                return server_sign_in_url(server.name, f"/chats/{chat_id}", getattr(error, "scope", None))

            return McpServer(
                server,
                callbacks,
                own,
                self._tls,
                policy=policy,
                sign_in_url=sign_in,
                signed_in=lambda: own.has_token,
            )
        tokens = ServerTokens(self.entra, lambda: acting().sid, server.scope) if server.scope else None

        def url(error: BridgeError) -> str:
            named = getattr(error, "scope", None)
            scope = " ".join(tokens.wanted(named)) if tokens is not None and named else None
            return sign_in_url(f"/chats/{chat_id}", getattr(error, "claims", None), scope)

        return McpServer(server, callbacks, tokens, self._tls, policy=policy, sign_in_url=url)


def _sweeper(assembly: _Assembly, every: float) -> Callable[[web.Application], AsyncIterator[None]]:
    async def sweep() -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await assembly.sweep()
            except Exception:  # noqa: BLE001 - the next round may succeed
                _log.exception("ending expired sessions failed")

    async def run(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(sweep(), name="end expired sessions")
        yield
        await end_tasks(task)

    return run
