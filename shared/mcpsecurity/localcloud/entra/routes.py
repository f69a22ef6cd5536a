"""The tenant's routes, with the faults and error handling that all of them share."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from mcpsecurity.localcloud.entra.authorize import authorize
from mcpsecurity.localcloud.entra.device import device_authorization, enter_code, show_code_page
from mcpsecurity.localcloud.entra.errors import EntraError, Sts, token_error
from mcpsecurity.localcloud.entra.ids import MANAGED_IDENTITY_ID
from mcpsecurity.localcloud.entra.metadata import discovery, jwks
from mcpsecurity.localcloud.entra.pages import error_page
from mcpsecurity.localcloud.entra.sessions import TENANT_NAMES
from mcpsecurity.localcloud.entra.signin import consent, login, logout
from mcpsecurity.localcloud.entra.tenant import Tenant
from mcpsecurity.localcloud.entra.token import token
from mcpsecurity.localcloud.entra.tokens import ACCESS_TOKEN_LIFETIME

_log = logging.getLogger(__name__)

TenantHandler = Callable[[Tenant, web.Request], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refusal = Callable[[EntraError], web.Response]


def add_tenant_routes(app: web.Application, tenant: Tenant) -> None:
    """Serve the whole tenant from `app`."""
    endpoints: tuple[tuple[str, str, TenantHandler], ...] = (
        ("GET", "/{tenant}/v2.0/.well-known/openid-configuration", discovery),
        ("GET", "/{tenant}/discovery/v2.0/keys", jwks),
        ("POST", "/{tenant}/oauth2/v2.0/token", token),
        ("POST", "/{tenant}/oauth2/v2.0/devicecode", device_authorization),
    )
    for method, path, handler in endpoints:
        app.router.add_route(method, path, _endpoint(tenant, handler, token_error))
    add_login_routes(app, tenant)


def add_login_routes(app: web.Application, tenant: Tenant) -> None:
    """Serve from `app` the pages that a browser sees."""
    pages: tuple[tuple[str, str, TenantHandler], ...] = (
        ("GET", "authorize", authorize),
        ("POST", "authorize", authorize),
        ("POST", "login", login),
        ("POST", "consent", consent),
        ("GET", "logout", logout),
        ("POST", "logout", logout),
        ("GET", "deviceauth", show_code_page),
        ("POST", "deviceauth", enter_code),
    )
    for method, name, handler in pages:
        app.router.add_route(
            method, f"/{{tenant}}/oauth2/v2.0/{name}", _endpoint(tenant, handler, error_page)
        )


def add_identity_route(app: web.Application, tenant: Tenant) -> None:
    """Serve from `app` the tokens of the machine's managed identity."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await managed_identity(tenant, request)

    app.router.add_get(IDENTITY_PATH, answer)


def _endpoint(tenant: Tenant, handler: TenantHandler, refusal: Refusal) -> Handler:
    """Return a handler that applies faults, checks the tenant's name, and answers errors by `refusal`."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        if tenant.faults.delay:
            await asyncio.sleep(tenant.faults.delay)
        if tenant.faults.down:
            return web.Response(status=503, text="The service is unavailable.")
        try:
            _check_tenant(request.match_info["tenant"])
            return await handler(tenant, request)
        except EntraError as error:
            _log.info("%s %s refused: AADSTS%d", request.method, request.path, error.code.number)
            return refusal(error)

    return endpoint


def _check_tenant(name: str) -> None:
    if name.lower() not in TENANT_NAMES:
        raise EntraError(Sts.UNKNOWN_TENANT, tenant=name)


IDENTITY_PATH = "/msi/token"
IDENTITY_HEADER = "local-development-only~identity"


async def managed_identity(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Answer a program on an Azure machine with a token of its managed identity, as App Service does.

    `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` tell the program where; the header keeps web pages out.
    """
    if not hmac.compare_digest(request.headers.get("X-IDENTITY-HEADER", ""), IDENTITY_HEADER):
        raise web.HTTPUnauthorized
    resource = request.query.get("resource", "")
    if not resource or request.query.get("client_id", MANAGED_IDENTITY_ID) != MANAGED_IDENTITY_ID:
        return web.json_response({"error": "invalid_request"}, status=400)
    token = await asyncio.to_thread(tenant.tokens.sign, tenant.tokens.identity_claims(resource))
    return web.json_response(
        {
            "access_token": token,
            "expires_on": str(int(tenant.now()) + ACCESS_TOKEN_LIFETIME),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": MANAGED_IDENTITY_ID,
        }
    )
