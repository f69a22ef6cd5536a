"""Assembles the MCP server."""

import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.oidc import CachePolicy, Clock, Timer
from mcpsecurity.scaling.keyring import KeyRing
from mcpsecurity.scaling.rates import Limit, RateLimit
from mcpsecurity.service import REQUEST_WRAPPER
from mcpsecurity.tls import client_ssl_context
from mcpsecurity_server.auth.metadata import add_metadata_routes
from mcpsecurity_server.auth.middleware import tool_guard
from mcpsecurity_server.auth.setup import AuthSetup
from mcpsecurity_server.http.cors import allow_origins
from mcpsecurity_server.http.health import add_health_route, add_ready_route
from mcpsecurity_server.http.proxy import add_proxy_middlewares, secure_headers
from mcpsecurity_server.http.rate_limit import rate_guard
from mcpsecurity_server.observability.audit import audit_tool_call, number_requests, write_waiting
from mcpsecurity_server.profile import ProfileService
from mcpsecurity_server.settings import LOOPBACK_HOSTS, ServerSettings
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.registry import build_mcp
from mcpsecurity_server.transport import AfterCall, Limits, mount_mcp
from mcpsecurity_server.transport.http.fast_path import fast_path
from mcpsecurity_server.weather import WeatherService, weather_session

if TYPE_CHECKING:
    from mcpsecurity_server.observability.telemetry import ServerInstrumentation
    from mcpsecurity_server.transport.redis import SharedTransport

__all__ = ["create_app"]


def create_app(
    settings: ServerSettings,
    mcp: FastMCP[Any] | None = None,
    *,
    clock: Clock = time.time,
    timer: Timer = time.monotonic,
    key_policy: CachePolicy | None = None,
    tls: ssl.SSLContext | None = None,
    watch: "ServerInstrumentation | None" = None,
) -> web.Application:
    """Return the application: `/mcp` behind access tokens; health and resource metadata for everybody.

    `mcp` is what is served, any FastMCP instance; None is this product's own tools, prompts and resource.
    `clock` gives seconds since 1970, `timer` monotonic seconds, `key_policy` says how long signing keys last,
    `tls` whom to trust on outgoing connections (default: the system and the configured authority), `watch`
    who watches.
    """
    tls = tls or client_ssl_context(settings.ca_file)
    app = web.Application()
    add_proxy_middlewares(app, settings)
    app.on_cleanup.append(_finish_audit)
    before_call = None
    limits = Limits(
        body_bytes=settings.max_body_bytes,
        sessions=settings.max_sessions,
        idle_seconds=settings.session_idle_seconds,
    )
    shared = _shared_transport(settings, limits)
    needs = {} if shared is None else {"redis": shared.shared.check, "clock": shared.shared.check_clock}
    public = [add_health_route(app, settings.path, clock), add_ready_route(app, needs)]
    if settings.no_auth:
        app.middlewares.append(number_requests)
    else:
        protection = AuthSetup(settings, tls, clock, timer, key_policy)
        public += add_metadata_routes(app, settings.url, protection.metadata())
        authentication = protection.install(app, {_path(route) for route in public})
        needs["signing_keys"] = authentication.check_keys
        before_call = tool_guard(protection.policy())
    if shared is not None:
        app.cleanup_ctx.append(_entered(shared))
    own = mcp is None
    mcp = mcp if mcp is not None else _own_mcp(app, settings, tls, clock, timer)
    before_call = rate_guard(_call_limit(settings, shared), before_call)
    after_call: AfterCall = audit_tool_call
    if watch is not None:
        before_call = watch.before_call(before_call)
        after_call = watch.after_call(after_call)
    mounted = mount_mcp(
        app,
        mcp,
        path=settings.path,
        allowed_hosts=_hosts(settings),
        allowed_origins=settings.allowed_origins,
        limits=limits,
        store=shared.store if shared is not None else None,
        bus=shared.bus if shared is not None else None,
        state_keys=_state_keys(settings),
        before_call=before_call,
        after_call=after_call,
        instrumentation=watch,
        clock=clock,
    )
    if settings.allowed_origins:
        allow_origins(app, app.router.routes(), settings.allowed_origins)
    if own:  # other programs' tools may ask for the request's application
        app[REQUEST_WRAPPER] = fast_path(app, settings.path, mounted.handle, secure_headers(settings))
    return app


def _own_mcp(
    app: web.Application, settings: ServerSettings, tls: ssl.SSLContext, clock: Clock, timer: Timer
) -> FastMCP[None]:
    """Return this product's own offers; what they need lives as long as the application."""
    weather = WeatherService(lambda: weather_session(settings.forecast_url, settings.geocoding_url, tls))
    app.cleanup_ctx.append(_entered(weather))
    profiles = _profiles(settings, tls, timer)
    if profiles is not None:
        app.cleanup_ctx.append(_entered(profiles))
    asker = Elicitor(settings.approval, settings.answer_timeout)
    return build_mcp(asker, weather, profiles, now=lambda: dt.datetime.fromtimestamp(clock(), dt.UTC))


def _shared_transport(settings: ServerSettings, limits: Limits) -> "SharedTransport | None":
    """Return what several processes share, if there are several."""
    if settings.redis_url is None or settings.keys is None:
        return None
    from mcpsecurity_server.transport.redis import SharedTransport  # noqa: PLC0415 - needs the extra `scale`

    keys = KeyRing(settings.keys.get_secret_value())
    return SharedTransport(settings.redis_url.get_secret_value(), keys, limits)


def _call_limit(settings: ServerSettings, shared: "SharedTransport | None") -> Limit | None:
    """Return how many calls a person may make, at all replicas together."""
    if settings.calls_per_minute is None:
        return None
    if shared is None:
        return RateLimit(settings.calls_per_minute)
    from mcpsecurity.scaling.shared_rates import SharedRateLimit  # noqa: PLC0415 - needs the extra `scale`

    return SharedRateLimit(shared.shared, "calls", settings.calls_per_minute)


def _state_keys(settings: ServerSettings) -> list[bytes]:
    """Return what seals the state of calls without a session; by default the ring that the replicas share."""
    if settings.state_keys or settings.keys is None:
        return [key.get_secret_value().encode() for key in settings.state_keys]
    return [key.encode() for key in settings.keys.get_secret_value().replace(",", " ").split()]


def _hosts(settings: ServerSettings) -> set[str]:
    """Return the Host names to serve: the public one, with it all of loopback, and those configured."""
    host = settings.origin.host or ""
    return {host, *settings.allowed_hosts, *(LOOPBACK_HOSTS if host in LOOPBACK_HOSTS else ())}


async def _finish_audit(_: web.Application) -> None:
    write_waiting()


def _path(route: web.AbstractRoute) -> str:
    resource = route.resource
    return resource.canonical if resource is not None else ""


def _profiles(settings: ServerSettings, tls: ssl.SSLContext, timer: Timer) -> ProfileService | None:
    """Return what reads profiles on behalf of callers, if the server has a credential of its own to do so."""
    if settings.client_secret is None and settings.client_certificate_file is None:
        return None
    from mcpsecurity_server.profile.on_behalf_of import (  # noqa: PLC0415 - MSAL is slow to import
        OnBehalfOf,
        credential_of,
    )

    credential = credential_of(settings.client_secret, settings.client_certificate_file)
    flow = OnBehalfOf(settings.authority, settings.client_id, credential, settings.ca_file, timer=timer)
    return ProfileService(flow, settings.graph_url, tls)


def _entered(
    service: AbstractAsyncContextManager[object],
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def enter(_: web.Application) -> AsyncIterator[None]:
        async with service:
            yield

    return enter
