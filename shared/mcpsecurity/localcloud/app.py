"""The two applications of the local cloud: everything on https, the login pages on http."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from aiohttp import web

from mcpsecurity.localcloud.entra import Tenant, add_identity_route, add_login_routes, add_tenant_routes
from mcpsecurity.localcloud.graph import add_graph_routes
from mcpsecurity.localcloud.openai import ModelEndpoints, add_openai_routes
from mcpsecurity.localcloud.openmeteo import OpenMeteoFaults, add_open_meteo_routes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_https_app(tenant: Tenant, model: ModelEndpoints, weather: OpenMeteoFaults) -> web.Application:
    """Return the application with all services."""
    app = web.Application(middlewares=[refuse_foreign_hosts])
    add_tenant_routes(app, tenant)
    add_graph_routes(app, tenant)
    add_openai_routes(app, model)
    add_open_meteo_routes(app, weather)
    return app


def create_http_app(tenant: Tenant) -> web.Application:
    """Return the application with the pages that a browser sees."""
    app = web.Application(middlewares=[refuse_foreign_hosts])
    add_login_routes(app, tenant)
    add_identity_route(app, tenant)
    return app


@web.middleware
async def refuse_foreign_hosts(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 421 to a request for another host than loopback, as DNS rebinding makes browsers send.

    Any client of the local cloud can sign in as anyone, so web pages of other origins must not reach it.
    """
    if not _is_loopback(request):
        raise web.HTTPMisdirectedRequest(text="The local cloud answers on loopback only.")
    return await handler(request)


def _is_loopback(request: web.Request) -> bool:
    try:
        host = request.url.host or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
