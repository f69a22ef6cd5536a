"""The two applications of the local cloud: everything on https, the login pages on http."""

from aiohttp import web

from mcpsecurity.localcloud.entra import Tenant, add_login_routes, add_tenant_routes
from mcpsecurity.localcloud.graph import add_graph_routes

__all__ = ["create_http_app", "create_https_app"]


def create_https_app(tenant: Tenant) -> web.Application:
    """Return the application that has everything."""
    app = web.Application()
    add_tenant_routes(app, tenant)
    add_graph_routes(app, tenant)
    return app


def create_http_app(tenant: Tenant) -> web.Application:
    """Return the application with the pages that a browser sees."""
    app = web.Application()
    add_login_routes(app, tenant)
    return app
