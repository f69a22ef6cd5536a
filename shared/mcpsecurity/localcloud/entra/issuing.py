"""Successful answers of the token endpoint (RFC 6749 5.1, OIDC Core 3.1.3.3)."""

import asyncio
from collections.abc import Mapping
from typing import Any

from mcpsecurity.localcloud.entra.clients import Authenticated
from mcpsecurity.localcloud.entra.directory import Api
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.grants import Family, RefreshGrant
from mcpsecurity.localcloud.entra.scopes import Requested
from mcpsecurity.localcloud.entra.tenant import REFRESH_TOKEN_LIFETIME, Tenant
from mcpsecurity.localcloud.entra.tokens import ACCESS_TOKEN_LIFETIME, client_info

Values = Mapping[str, str]
Answer = dict[str, Any]


def required(values: Values, name: str) -> str:
    """Return a parameter.

    Raises:
        EntraError: it is absent or empty (AADSTS900144).
    """
    if not values.get(name):
        raise EntraError(Sts.MISSING_PARAMETER, parameter=name)
    return values[name]


async def app_only(tenant: Tenant, client: Authenticated, api: Api) -> Answer:
    """Return the answer that gives a client a token in its own name."""
    claims = tenant.tokens.app_claims(client.client, api, azpacr=client.azpacr)
    return _bearer(await asyncio.to_thread(tenant.tokens.sign, claims))


async def delegated(
    tenant: Tenant,
    client: Authenticated,
    requested: Requested,
    family: Family,
    *,
    nonce: str | None = None,
    predecessor: RefreshGrant | None = None,
) -> Answer:
    """Return the answer that gives a client tokens in the name of the person who signed in.

    Args:
        requested: scopes of at most one API.
        nonce: that of the authorization request, for the ID token.
        predecessor: the refresh token that was used, if one was.

    Raises:
        EntraError: the person has to consent first (AADSTS65001).
    """
    if tenant.needs_consent(family.user, client.client, requested):
        raise EntraError(Sts.CONSENT_REQUIRED, client=client.client.client_id, name=client.client.name)
    tokens, oidc, scopes = tenant.tokens, requested.oidc, requested.single(tenant.directory)
    access = tokens.access_claims(
        family.user,
        client.client,
        scopes.api,
        scopes.names,
        azpacr=client.azpacr,
        profile="profile" in oidc,
    )
    if family.acrs:
        access["acrs"] = list(family.acrs)
    if family.capabilities:
        access["xms_cc"] = [name.lower() for name in family.capabilities]
    answer = _bearer(await asyncio.to_thread(tokens.sign, access))
    answer |= {"scope": scopes.on_the_wire, "client_info": client_info(family.user)}
    if "openid" in oidc:
        identity = tokens.id_claims(family.user, client.client, oidc, nonce=nonce, session=family.session)
        answer["id_token"] = await asyncio.to_thread(tokens.sign, identity)
    if "offline_access" in oidc:
        answer["refresh_token"] = _refresh_token(tenant, client, requested, family, predecessor)
    return answer


def _refresh_token(
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


def _bearer(access_token: str) -> Answer:
    return {
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME,
        "ext_expires_in": ACCESS_TOKEN_LIFETIME,
        "access_token": access_token,
    }
