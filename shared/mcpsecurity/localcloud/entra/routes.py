"""The tenant's endpoints, and what all of them have in common."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.authorize import authorize
from mcpsecurity.localcloud.entra.errors import EntraError, token_error
from mcpsecurity.localcloud.entra.metadata import discovery, jwks
from mcpsecurity.localcloud.entra.sessions import TENANT_NAMES
from mcpsecurity.localcloud.entra.tenant import Tenant
from mcpsecurity.localcloud.entra.token import token

__all__ = ["add_login_routes", "add_tenant_routes"]

TenantHandler = Callable[[Tenant, web.Request], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_tenant_routes(app: web.Application, tenant: Tenant) -> None:
    """Serve the whole tenant from `app`."""
    for method, path, handler in (
        ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", discovery),
        ("GET", "/{tenant}/discovery/v2.0/keys", jwks),
        ("POST", "/{tenant}/oauth2/v2.0/token", token),
    ):
        app.router.add_route(method, path, _endpoint(tenant, handler))
    add_login_routes(app, tenant)


def add_login_routes(app: web.Application, tenant: Tenant) -> None:
    """Serve from `app` the pages that a browser sees."""
    app.router.add_route("GET", "/{tenant}/oauth2/v2.0/authorize", _endpoint(tenant, authorize))


def _endpoint(tenant: Tenant, handler: TenantHandler) -> Handler:
    """Return `handler` behind the tenant's faults, its name, and its form of refusals."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        if tenant.faults.delay:
            await asyncio.sleep(tenant.faults.delay)
        if tenant.faults.down:
            return web.Response(status=503, text="The service is unavailable.")
        try:
            _check_tenant(request.match_info["tenant"])
            return await handler(tenant, request)
        except EntraError as error:
            return token_error(error)

    return endpoint


def _check_tenant(name: str) -> None:
    if name.lower() not in TENANT_NAMES:
        raise EntraError(Sts.UNKNOWN_TENANT, tenant=name)
