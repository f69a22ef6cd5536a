"""Assembles the MCP server."""

import datetime as dt
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.oidc import CachePolicy, Clock, Timer
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.runtime.proxy import proxied
from mcpsecurity.runtime.rate_limit import InMemoryRateLimiter, RateLimiter
from mcpsecurity.runtime.service import REQUEST_WRAPPER
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_server.auth.metadata import add_metadata_routes
from mcpsecurity_server.auth.middleware import Authentication
from mcpsecurity_server.auth.principal import current_principal
from mcpsecurity_server.auth.rights import InMemoryRights, RedisRights, RightsObserver, RightsStore
from mcpsecurity_server.auth.setup import AuthSetup
from mcpsecurity_server.auth.tool_policy import CallersOfPolicy, tool_guard
from mcpsecurity_server.http.cors import allow_origins
from mcpsecurity_server.http.health import add_health_route, add_ready_route
from mcpsecurity_server.http.proxy import add_proxy_middlewares, secure_headers
from mcpsecurity_server.http.rate_limit import rate_guard
from mcpsecurity_server.observability.audit import AuditLog, number_requests
from mcpsecurity_server.profile import ProfileService
from mcpsecurity_server.settings import LOOPBACK_HOSTS, ServerSettings
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.registry import build_mcp
from mcpsecurity_server.transport import (
    AfterCall,
    BeforeCall,
    Limits,
    MountedMcp,
    Program,
    fast_path,
    mount_mcp,
)
from mcpsecurity_server.weather import WeatherService

if TYPE_CHECKING:
    from mcpsecurity.oidc.azure_identity import AzureIdentity
    from mcpsecurity_server.observability.telemetry import ServerInstrumentation
    from mcpsecurity_server.transport.redis import RedisTransport

MOUNTED: web.AppKey[MountedMcp] = web.AppKey("mounted", MountedMcp)
"""The program that an application serves, for announcing changes."""

_log = logging.getLogger(__name__)


def create_app(
    settings: ServerSettings,
    mcp: Program | None = None,
    *,
    clock: Clock = time.time,
    timer: Timer = time.monotonic,
    key_policy: CachePolicy | None = None,
    tls: ssl.SSLContext | None = None,
    audit: AuditLog | None = None,
    instrumentation: "ServerInstrumentation | None" = None,
) -> web.Application:
    """Return the application: `/mcp` behind access tokens; health and resource metadata are public.

    Args:
        mcp: the program to serve; default: this product's own tools, prompts and resource.
        clock, timer: give seconds since 1970, and monotonic seconds.
        key_policy: how long signing keys are cached.
        tls: the trust of outgoing connections; default: the system's and the configured authority.
        audit: the audit log; default: one without trace ids.
        instrumentation: records spans and metrics; default: none.
    """
    tls = tls or client_ssl_context(settings.ca_file)
    audit = audit or AuditLog()
    app = web.Application()
    add_proxy_middlewares(app, settings)
    redis = _redis_transport(app, settings)
    auth = None if settings.no_auth else AuthSetup(settings, tls, clock, timer, key_policy)
    guard, authentication = _add_access_control(app, settings, auth, redis, audit, clock)
    before_call = rate_guard(_call_limit(settings, redis), guard)
    callers = auth.callers() if auth is not None else None
    own = mcp is None
    mcp = mcp if mcp is not None else _own_mcp(app, settings, callers, tls, clock, timer)
    mounted = _mount(app, settings, mcp, redis, before_call, callers, audit, instrumentation, clock)
    app[MOUNTED] = mounted
    if authentication is not None and callers is not None and callers.hides_tools:
        authentication.rights = RightsObserver(_rights(redis), partial(mounted.list_changed, "tools"))
    if settings.allowed_origins:
        allow_origins(app, app.router.routes(), settings.allowed_origins)
    app.on_startup.append(partial(_tell_proxies, _outside(settings, own=own)))
    if own:  # other programs' tools may ask for the request's application
        app[REQUEST_WRAPPER] = fast_path(app, settings.path, mounted.handle, secure_headers(settings))
    return app


def _mount(
    app: web.Application,
    settings: ServerSettings,
    mcp: Program,
    redis: "RedisTransport | None",
    before_call: BeforeCall | None,
    callers: CallersOfPolicy | None,
    audit: AuditLog,
    instrumentation: "ServerInstrumentation | None",
    clock: Clock,
) -> MountedMcp:
    after_call: AfterCall = audit.tool_called
    if instrumentation is not None:
        before_call = instrumentation.before_call(before_call)
        after_call = instrumentation.after_call(after_call)
    return mount_mcp(
        app,
        mcp,
        path=settings.path,
        allowed_hosts=_hosts(settings),
        allowed_origins=settings.allowed_origins,
        limits=_limits(settings),
        store=redis.store if redis is not None else None,
        bus=redis.bus if redis is not None else None,
        state_keys=_state_keys(settings),
        before_call=before_call,
        after_call=after_call,
        callers=callers,
        instrumentation=instrumentation,
        clock=clock,
    )


def _add_access_control(
    app: web.Application,
    settings: ServerSettings,
    auth: AuthSetup | None,
    redis: "RedisTransport | None",
    audit: AuditLog,
    clock: Clock,
) -> tuple[BeforeCall | None, Authentication | None]:
    """Add the public routes and the authentication of all others; return it and the check of single tools."""
    checks: dict[str, Callable[[], Awaitable[None]]] = {}
    if redis is not None:
        checks |= {"redis": redis.connection.check, "clock": redis.connection.check_clock}
    public = [add_health_route(app, settings.path, clock), add_ready_route(app, checks)]
    if auth is None:
        app.middlewares.append(number_requests)
        return None, None
    public += add_metadata_routes(app, settings.url, auth.metadata())
    authentication = auth.install(app, {_path(route) for route in public}, audit)
    checks["signing_keys"] = authentication.check_keys
    return tool_guard(auth.tool_policy()), authentication


def _limits(settings: ServerSettings) -> Limits:
    return Limits(
        body_bytes=settings.max_body_bytes,
        sessions=settings.max_sessions,
        idle_seconds=settings.session_idle_seconds,
    )


def _own_mcp(
    app: web.Application,
    settings: ServerSettings,
    callers: CallersOfPolicy | None,
    tls: ssl.SSLContext,
    clock: Clock,
    timer: Timer,
) -> FastMCP[None]:
    """Return this product's own MCP server; the services that it uses are opened and closed with `app`."""
    weather = WeatherService(settings.forecast_url, settings.geocoding_url, tls)
    app.cleanup_ctx.append(_entered(weather))
    profiles = _profiles(settings, tls, timer)
    if profiles is not None:
        app.cleanup_ctx.append(_entered(profiles))
    may_answer = (lambda: callers.may_answer(current_principal())) if callers is not None else (lambda: True)
    elicitor = Elicitor(settings.approval, settings.answer_timeout, may_answer)
    return build_mcp(elicitor, weather, profiles, now=lambda: dt.datetime.fromtimestamp(clock(), dt.UTC))


def _redis_transport(app: web.Application, settings: ServerSettings) -> "RedisTransport | None":
    """Return the sessions and events that replicas share in Redis; None without a Redis."""
    if settings.redis_url is None or settings.keys is None:
        return None
    from mcpsecurity_server.transport.redis import RedisTransport  # noqa: PLC0415 - needs the extra `scale`

    keys = EncryptionKeys(settings.keys.get_secret_value())
    identity = _identity(settings)
    redis = RedisTransport(
        settings.redis_url.get_secret_value(),
        keys,
        _limits(settings),
        password=identity.redis_password if identity is not None else None,
    )
    app.cleanup_ctx.append(_entered(redis))
    return redis


def _identity(settings: ServerSettings) -> "AzureIdentity | None":
    """Return the identity that Azure gives this service, if it is to be used."""
    if settings.client_identity is None:
        return None
    from mcpsecurity.oidc.azure_identity import AzureIdentity  # noqa: PLC0415 - MSAL is slow to import

    return AzureIdentity(settings)


def _call_limit(settings: ServerSettings, redis: "RedisTransport | None") -> RateLimiter | None:
    """Return the limit of a person's calls, counted by all replicas together; None without a limit."""
    if settings.calls_per_minute is None:
        return None
    if redis is None:
        return InMemoryRateLimiter(settings.calls_per_minute)
    from mcpsecurity.redis.rate_limit import RedisRateLimiter  # noqa: PLC0415 - needs the extra `scale`

    return RedisRateLimiter(redis.connection, "calls", settings.calls_per_minute)


def _rights(redis: "RedisTransport | None") -> RightsStore:
    """Return where the rights of callers' last tokens are, for all replicas together."""
    return InMemoryRights() if redis is None else RedisRights(redis.connection)


def _state_keys(settings: ServerSettings) -> list[bytes]:
    """Return the keys that encrypt the state of calls without a session; default: those of the replicas."""
    if settings.state_keys or settings.keys is None:
        return [key.get_secret_value().encode() for key in settings.state_keys]
    return [key.encode() for key in settings.keys.get_secret_value().replace(",", " ").split()]


def _hosts(settings: ServerSettings) -> set[str]:
    """Return the Host names to serve: the public one, with it all of loopback, and those configured."""
    host = settings.origin.host or ""
    return {host, *settings.allowed_hosts, *(LOOPBACK_HOSTS if host in LOOPBACK_HOSTS else ())}


def _path(route: web.AbstractRoute) -> str:
    resource = route.resource
    return resource.canonical if resource is not None else ""


def _has_credential(settings: ServerSettings) -> bool:
    """Tell whether the server can prove who it is, which on-behalf-of needs."""
    return any((settings.client_secret, settings.client_certificate_file, settings.client_identity))


def _outside(settings: ServerSettings, *, own: bool) -> list[str]:
    """Return the URLs that the server asks, with its `own` tools or without them."""
    urls = [] if settings.no_auth else [settings.authority]
    if own:
        urls += [settings.graph_url] if _has_credential(settings) else []
        urls += [settings.forecast_url, settings.geocoding_url]
    return urls


async def _tell_proxies(urls: list[str], _: web.Application) -> None:
    for sentence in proxied(urls):
        _log.info("%s", sentence)


def _profiles(settings: ServerSettings, tls: ssl.SSLContext, timer: Timer) -> ProfileService | None:
    """Return the service that reads callers' profiles; None if the server has no credential of its own."""
    if not _has_credential(settings):
        return None
    identity = _identity(settings)
    from mcpsecurity.oidc.client_credential import client_credential  # noqa: PLC0415 - MSAL is slow to import
    from mcpsecurity_server.profile.on_behalf_of import OnBehalfOf  # noqa: PLC0415 - likewise

    credential = client_credential(settings.client_secret, settings.client_certificate_file, identity)
    flow = OnBehalfOf(settings.authority, settings.client_id, credential, settings.ca_file, timer=timer)
    return ProfileService(flow, settings.graph_url, tls)


def _entered(
    service: AbstractAsyncContextManager[object],
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def enter(_: web.Application) -> AsyncIterator[None]:
        async with service:
            yield

    return enter
