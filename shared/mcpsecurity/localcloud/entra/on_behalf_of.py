"""On-behalf-of: an API trades the token it was called with for one of another API (as RFC 7523 does)."""

import uuid

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.claims import read_claims
from mcpsecurity.localcloud.entra.clients import Authenticated
from mcpsecurity.localcloud.entra.directory import ClientKind, User
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.grants import Family
from mcpsecurity.localcloud.entra.issuing import Answer, Values, delegated, required
from mcpsecurity.localcloud.entra.scopes import parse_scopes
from mcpsecurity.localcloud.entra.tenant import Tenant
from mcpsecurity.localcloud.entra.tokens import Claims


async def on_behalf_of(tenant: Tenant, client: Authenticated, values: Values) -> Answer:
    """Return tokens for another API in the name of the person in the `assertion`.

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
