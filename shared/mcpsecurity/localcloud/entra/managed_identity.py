"""The endpoint where programs on an Azure machine get tokens of its managed identity (as App Service has it).

`IDENTITY_ENDPOINT` and `IDENTITY_HEADER` say where it is; the header keeps requests of web pages out.
"""

import asyncio
import hmac

from aiohttp import web

from mcpsecurity.localcloud.entra.ids import MANAGED_IDENTITY_ID
from mcpsecurity.localcloud.entra.tenant import Tenant
from mcpsecurity.localcloud.entra.tokens import ACCESS_TOKEN_LIFETIME

IDENTITY_PATH = "/msi/token"
IDENTITY_HEADER = "local-development-only~identity"


async def managed_identity(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Answer with a token of the machine's identity for `resource`."""
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
