"""The device authorization grant: a device shows a code, a person enters it elsewhere (RFC 8628)."""

from aiohttp import web

from mcpsecurity.localcloud.entra.clients import Authenticated
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.grants import DeviceFlow, find_device_flow, new_user_code
from mcpsecurity.localcloud.entra.issuing import Answer, Values, delegated, required
from mcpsecurity.localcloud.entra.pages import device_code_page
from mcpsecurity.localcloud.entra.parameters import find_client, form_values, read_claims, single_values
from mcpsecurity.localcloud.entra.scopes import parse_scopes
from mcpsecurity.localcloud.entra.signin import ask_for_account
from mcpsecurity.localcloud.entra.tenant import DEVICE_CODE_LIFETIME, Tenant


async def device_authorization(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Start a flow: give the device its code, and the one that it shows."""
    values = await form_values(request)
    client = find_client(tenant.directory, values.get("client_id"))
    requested = parse_scopes(tenant.directory, client, required(values, "scope"))
    requested.single(tenant.directory)
    ends, claims = tenant.now() + DEVICE_CODE_LIFETIME, read_claims(values.get("claims"))
    flow = DeviceFlow(client, requested, new_user_code(), ends, claims)
    uri = f"{tenant.urls.http}/{tenant.tenant_id}/oauth2/v2.0/deviceauth"
    answer = {
        "user_code": flow.user_code,
        "device_code": tenant.device_flows.add(flow),
        "verification_uri": uri,
        "expires_in": int(DEVICE_CODE_LIFETIME),
        "interval": tenant.device_poll_interval,
        "message": f"To sign in, use a web browser to open the page {uri} and enter the code "
        f"{flow.user_code} to authenticate.",
    }
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def show_code_page(_tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Show the page on which a code is entered; `otc` or `user_code` fills it in."""
    values = single_values(request.query)
    return device_code_page(user_code=values.get("user_code") or values.get("otc", ""))


async def enter_code(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Take the code that was entered and let the person choose an account."""
    typed = (await form_values(request)).get("user_code", "")
    flow = find_device_flow(tenant.device_flows.values(), typed, tenant.now())
    if flow is None:
        return device_code_page(
            user_code=typed, problem="That code didn’t work. Check the code and try again."
        )
    return ask_for_account(tenant, request, tenant.sessions.of(request), flow)


async def device_code(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    """Answer a device that asks whether the person has signed in.

    Raises:
        EntraError: not yet (AADSTS70016), declined (65004 as `authorization_declined`), expired (70020), or
            no such code (70018).
    """
    handle = required(values, "device_code")
    flow = tenant.device_flows.get(handle)
    if flow is None or flow.client.client_id != client.client.client_id:
        raise EntraError(Sts.DEVICE_CODE_WRONG)
    if flow.declined:
        raise EntraError(Sts.DEVICE_DECLINED)
    if flow.expires_at <= tenant.now():
        raise EntraError(Sts.DEVICE_CODE_EXPIRED)
    if flow.family is None:
        raise EntraError(Sts.DEVICE_PENDING)
    tenant.device_flows.remove(handle)
    asked = read_claims(values.get("claims"))  # MSAL sends them with the second request, Entra takes either
    flow.family.acrs = asked.acrs or flow.claims.acrs
    flow.family.capabilities = asked.capabilities or flow.claims.capabilities
    return await delegated(tenant, client, flow.requested, flow.family)
