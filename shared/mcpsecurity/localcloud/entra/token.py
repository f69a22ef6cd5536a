"""The token endpoint."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.clients import Authenticated, authenticate_client
from mcpsecurity.localcloud.entra.directory import ClientKind
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.grants import Family, RefreshGrant, take_code, take_refresh_token
from mcpsecurity.localcloud.entra.parameters import form_values
from mcpsecurity.localcloud.entra.scopes import ApiScopes, Requested, parse_scopes
from mcpsecurity.localcloud.entra.tenant import REFRESH_TOKEN_LIFETIME, Tenant
from mcpsecurity.localcloud.entra.tokens import ACCESS_TOKEN_LIFETIME, client_info

__all__ = ["token"]

Values = Mapping[str, str]
Answer = dict[str, Any]


async def token(tenant: Tenant, request: web.Request) -> web.Response:
    """Answer a token request (RFC 6749 5)."""
    values = await form_values(request)
    grant_type = values.get("grant_type")
    if grant_type is None:
        raise EntraError(Sts.MISSING_PARAMETER, parameter="grant_type")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise EntraError(Sts.UNSUPPORTED_GRANT, grant_type=grant_type)
    client = authenticate_client(tenant.directory, request.headers.get("Authorization"), values)
    answer = await grant(tenant, client, values)
    return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


async def _authorization_code(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    grant = take_code(tenant.codes, _required(values, "code"), client.client, tenant.now())
    if values.get("redirect_uri") != grant.redirect_uri:
        raise EntraError(
            Sts.INVALID_GRANT, detail="The redirect_uri is not that of the authorization request."
        )
    _check_verifier(grant.challenge, _required(values, "code_verifier"))
    requested = _narrowed(tenant, client, grant.requested, values)
    return await _delegated(tenant, client, requested, grant.family, nonce=grant.nonce)


async def _refresh_token(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    grant = take_refresh_token(
        tenant.refresh_tokens, _required(values, "refresh_token"), client.client, tenant.now()
    )
    requested = _narrowed(tenant, client, grant.requested, values)
    return await _delegated(tenant, client, requested, grant.family, predecessor=grant)


async def _client_credentials(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    if client.client.kind is ClientKind.PUBLIC:
        raise EntraError(Sts.NOT_FOR_PUBLIC, client=client.client.client_id)
    requested = parse_scopes(tenant.directory, client.client, _required(values, "scope"))
    requested.check_resource(tenant.directory, values.get("resource"))
    if len(requested.apis) != 1 or requested.text != f"{requested.apis[0].identifier}/.default":
        raise EntraError(Sts.DEFAULT_SCOPE_NEEDED, scope=requested.text)
    claims = tenant.tokens.app_claims(client.client, requested.apis[0].api, azpacr=client.azpacr)
    return _bearer(await asyncio.to_thread(tenant.tokens.sign, claims))


_GRANTS: dict[str, Callable[[Tenant, Authenticated, Values], Awaitable[Answer]]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
}


async def _delegated(
    tenant: Tenant,
    client: Authenticated,
    requested: Requested,
    family: Family,
    *,
    nonce: str | None = None,
    predecessor: RefreshGrant | None = None,
) -> Answer:
    """Return the tokens that a person's approval gives a client."""
    scopes, oidc, user = requested.single(tenant.directory), requested.oidc, family.user
    answer = _bearer(await asyncio.to_thread(_access_token, tenant, client, scopes, oidc, family))
    answer |= {"scope": scopes.on_the_wire, "client_info": client_info(user)}
    if "offline_access" in oidc:
        answer["refresh_token"] = _issue_refresh_token(tenant, client, requested, family, predecessor)
    if "openid" in oidc:
        claims = tenant.tokens.id_claims(user, client.client, oidc, nonce=nonce, session=family.session)
        answer["id_token"] = await asyncio.to_thread(tenant.tokens.sign, claims)
    return answer


def _access_token(
    tenant: Tenant, client: Authenticated, scopes: ApiScopes, oidc: frozenset[str], family: Family
) -> str:
    claims = tenant.tokens.access_claims(
        family.user,
        client.client,
        scopes.api,
        scopes.names,
        azpacr=client.azpacr,
        profile="profile" in oidc,
    )
    return tenant.tokens.sign(claims)


def _issue_refresh_token(
    tenant: Tenant,
    client: Authenticated,
    requested: Requested,
    family: Family,
    predecessor: RefreshGrant | None,
) -> str:
    expires_at = tenant.now() + REFRESH_TOKEN_LIFETIME
    grant = RefreshGrant(client.client.client_id, requested, family, expires_at)
    if predecessor is not None:
        predecessor.successors.append(grant)
    return tenant.refresh_tokens.add(grant)


def _narrowed(tenant: Tenant, client: Authenticated, approved: Requested, values: Values) -> Requested:
    """Return what a code or refresh token is to give: what was approved, or what `scope` asks for now.

    Raises:
        EntraError: `scope` is empty, or absent although several APIs were approved (AADSTS28003); or it names
            several APIs (28000).
    """
    if values.get("scope"):
        requested = parse_scopes(tenant.directory, client.client, values["scope"])
        requested = Requested(requested.text, requested.oidc | approved.oidc, requested.apis or approved.apis)
    elif len(approved.apis) > 1:
        raise EntraError(Sts.SCOPE_EMPTY)
    else:
        requested = approved
    requested.single(tenant.directory)
    requested.check_resource(tenant.directory, values.get("resource"))
    return requested


def _check_verifier(challenge: str, verifier: str) -> None:
    digest = hashlib.sha256(verifier.encode()).digest()
    if not hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge):
        raise EntraError(Sts.VERIFIER_MISMATCH)


def _required(values: Values, name: str) -> str:
    if not values.get(name):
        raise EntraError(Sts.MISSING_PARAMETER, parameter=name)
    return values[name]


def _bearer(access_token: str) -> Answer:
    return {
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME,
        "ext_expires_in": ACCESS_TOKEN_LIFETIME,
        "access_token": access_token,
    }
