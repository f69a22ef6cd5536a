"""The token endpoint: which client, which grant, and the grants but for the device's."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from mcpsecurity.localcloud.entra.clients import Authenticated, authenticate_client
from mcpsecurity.localcloud.entra.device import device_code
from mcpsecurity.localcloud.entra.directory import ClientKind, User
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.grants import Family, take_code, take_refresh_token
from mcpsecurity.localcloud.entra.issuing import Answer, Values, app_only, delegated, required
from mcpsecurity.localcloud.entra.parameters import form_values, read_claims
from mcpsecurity.localcloud.entra.scopes import Requested, parse_scopes
from mcpsecurity.localcloud.entra.tenant import Tenant
from mcpsecurity.localcloud.entra.tokens import Claims


async def token(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Answer a token request (RFC 6749 5)."""
    values = await form_values(request)
    grant_type = required(values, "grant_type")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise EntraError(Sts.UNSUPPORTED_GRANT, grant_type=grant_type)
    await tenant.documents.learn(tenant.directory, values.get("client_id", ""))
    client = authenticate_client(tenant, request.headers.get("Authorization"), values)
    tenant.faults.raise_refusal(grant_type)
    answer = await grant(tenant, client, values)
    return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


async def _authorization_code(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    grant = take_code(tenant.codes, required(values, "code"), client.client, tenant.now())
    if values.get("redirect_uri") != grant.redirect_uri:
        raise EntraError(
            Sts.INVALID_GRANT, detail="The redirect_uri is not that of the authorization request."
        )
    _check_verifier(grant.challenge, required(values, "code_verifier"))
    requested = _narrowed(tenant, client, grant.requested, values)
    return await delegated(tenant, client, requested, grant.family, nonce=grant.nonce)


async def _refresh_token(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    handle = required(values, "refresh_token")
    grant = take_refresh_token(tenant.refresh_tokens, handle, client.client, tenant.now())
    requested = _narrowed(tenant, client, grant.requested, values)
    asked = read_claims(values.get("claims"))
    if not set(asked.acrs) <= set(grant.family.acrs):
        raise EntraError(Sts.MFA_REQUIRED, claims=values["claims"])
    grant.family.capabilities = asked.capabilities or grant.family.capabilities
    return await delegated(tenant, client, requested, grant.family, predecessor=grant)


async def _client_credentials(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    if client.client.kind is ClientKind.PUBLIC:
        raise EntraError(Sts.NOT_FOR_PUBLIC, client=client.client.client_id)
    requested = parse_scopes(tenant.directory, client.client, required(values, "scope"))
    requested.check_resource(tenant.directory, values.get("resource"))
    if len(requested.apis) != 1 or requested.text != f"{requested.apis[0].identifier}/.default":
        raise EntraError(Sts.DEFAULT_SCOPE_NEEDED, scope=requested.text)
    return await app_only(tenant, client, requested.apis[0].api)


async def _agent_account(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    """Give an agent a token of its own user account: in one step with a secret, where Entra has three."""
    account = client.client.agent_account
    if account is None or required(values, "user_id") != account.oid:
        raise EntraError(Sts.INVALID_GRANT, detail="The user is no account of this agent.")
    requested = parse_scopes(tenant.directory, client.client, required(values, "scope"))
    requested.single(tenant.directory)
    return await delegated(tenant, client, requested, Family(account, str(uuid.uuid4())))


def _narrowed(tenant: Tenant, client: Authenticated, approved: Requested, values: Values) -> Requested:
    """Return the scopes of new tokens: those that were approved, or those that `scope` asks for now.

    Raises:
        EntraError: `scope` is empty, or absent although several APIs were approved (AADSTS28003); or it names
            several APIs (28000).
    """
    scope = values.get("scope")
    if scope == "" or (scope is None and len(approved.apis) > 1):
        raise EntraError(Sts.SCOPE_EMPTY)
    requested = approved
    if scope is not None:
        asked = parse_scopes(tenant.directory, client.client, scope)
        requested = Requested(asked.text, asked.oidc | approved.oidc, asked.apis or approved.apis)
    requested.single(tenant.directory)
    requested.check_resource(tenant.directory, values.get("resource"))
    return requested


def _check_verifier(challenge: str, verifier: str) -> None:
    digest = hashlib.sha256(verifier.encode()).digest()
    if not hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge):
        raise EntraError(Sts.VERIFIER_MISMATCH)


async def _on_behalf_of(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    """On-behalf-of: an API trades the token it was called with for one of another API (as RFC 7523 does).

    Raises:
        EntraError: the assertion's signature (AADSTS50013), time (500133) or audience (500131) is wrong, or
            it is app-only (7000114).
    """
    if client.client.kind is ClientKind.PUBLIC:
        raise EntraError(Sts.NOT_FOR_PUBLIC, client=client.client.client_id)
    if required(values, "requested_token_use") != "on_behalf_of":
        raise EntraError(Sts.MALFORMED, detail="requested_token_use must be on_behalf_of.")
    requested = parse_scopes(tenant.directory, client.client, required(values, "scope"))
    claims = _assertion_claims(tenant, client, required(values, "assertion"))
    asked = read_claims(values.get("claims"))
    if not set(asked.acrs) <= set(claims.get("acrs", ())):
        raise EntraError(Sts.MFA_REQUIRED, claims=values["claims"])
    family = Family(_person(tenant, claims), str(uuid.uuid4()), tuple(claims.get("acrs", ())))
    requested.single(tenant.directory)
    return await delegated(tenant, client, requested, family)


def _assertion_claims(tenant: Tenant, client: Authenticated, assertion: str) -> Claims:
    claims = tenant.tokens.read(assertion)
    if claims is None:
        raise EntraError(Sts.OBO_SIGNATURE)
    if not claims["nbf"] <= tenant.now() < claims["exp"]:
        raise EntraError(Sts.OBO_TIME)
    if claims["aud"] != client.client.client_id:
        raise EntraError(Sts.OBO_AUDIENCE, audience=str(claims["aud"]), client=client.client.client_id)
    return claims


def _person(tenant: Tenant, claims: Claims) -> User:
    user = tenant.directory.user_by_oid(claims["oid"]) if "scp" in claims else None
    if user is None:
        raise EntraError(Sts.OBO_APP_ONLY)
    return user


_GRANTS: dict[str, Callable[[Tenant, Authenticated, Values], Awaitable[Answer]]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _on_behalf_of,
    "urn:ietf:params:oauth:grant-type:device_code": device_code,
    "user_fic": _agent_account,
}
