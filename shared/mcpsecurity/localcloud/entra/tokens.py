"""Access tokens, ID tokens and `client_info` in the shape of Entra's v2.0 endpoint."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import jwt

from mcpsecurity.localcloud.entra.directory import Api, Client, User
from mcpsecurity.localcloud.entra.ids import API_CLIENT_ID, MANAGED_IDENTITY_ID, TENANT_ID, WEB_CLIENT_ID
from mcpsecurity.localcloud.entra.keys import SigningKeys

ACCESS_TOKEN_LIFETIME = 3599
"""Seconds that an access or ID token is good for, counted from its issue."""
_BACKDATED = 300  # Entra dates tokens five minutes back, against clocks that are slow

Claims = dict[str, Any]


@dataclass(slots=True)
class TokenFactory:
    """Makes the tenant's tokens. `clock` returns the tenant's time, in seconds since 1970."""

    issuer: str
    keys: SigningKeys
    clock: Callable[[], float]

    def access_claims(
        self,
        user: User,
        client: Client,
        api: Api,
        scopes: tuple[str, ...],
        *,
        azpacr: str,
        profile: bool = True,
    ) -> Claims:
        """Return the claims of a delegated access token for `api`.

        Args:
            scopes: short names.
            azpacr: how the client authenticated: "0" not at all, "1" by secret, "2" by certificate.
            profile: whether the `profile` scope was granted, which adds the person's names.
        """
        claims = self._common(api.app_id) | {
            "acct": int(user.is_guest),
            "azp": client.client_id,
            "azpacr": azpacr,
            "oid": user.oid,
            "scp": " ".join(scopes),
            "sub": _pairwise(user.oid, api.app_id),
        }
        if user.roles and api.app_id == API_CLIENT_ID:
            claims["roles"] = list(user.roles)
        return claims | _idp(user) | (_names(user) if profile else {}) | _agent(user, client)

    def app_claims(self, client: Client, api: Api, *, azpacr: str) -> Claims:
        """Return the claims of an app-only access token (client credentials): `roles`, no `scp`."""
        oid = _object_id(client)
        claims = self._common(api.app_id) | {
            "azp": client.client_id,
            "azpacr": azpacr,
            "idtyp": "app",
            "oid": oid,
            "sub": oid,
        }
        if client.roles and api.app_id == API_CLIENT_ID:
            claims["roles"] = list(client.roles)
        if client.agent_parent is not None:
            claims |= {"xms_sub_fct": "9 3 11"} | _actor(client)
        return claims

    def identity_claims(self, resource: str) -> Claims:
        """Return the claims of a token of the machine's managed identity for a resource."""
        subject = {"azp": MANAGED_IDENTITY_ID, "oid": MANAGED_IDENTITY_ID, "sub": MANAGED_IDENTITY_ID}
        return self._common(resource) | subject | {"azpacr": "2", "idtyp": "app"}

    def id_claims(
        self, user: User, client: Client, oidc: frozenset[str], *, nonce: str | None, session: str
    ) -> Claims:
        """Return the claims of an ID token for `client`."""
        claims = self._common(client.client_id) | {
            "oid": user.oid,
            "sub": _pairwise(user.oid, client.client_id),
            "sid": session,
            "login_hint": user.sign_in_name,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if user.web_roles and client.client_id == WEB_CLIENT_ID:
            claims["roles"] = list(user.web_roles)
        if "email" in oidc:
            claims["email"] = user.sign_in_name
        return claims | _idp(user) | (_names(user) if "profile" in oidc else {})

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return `claims` as a JWT signed by the current key (RS256). About a millisecond of CPU."""
        key = self.keys.current
        payload = json.dumps(claims, separators=(",", ":")).encode()
        # the JWS layer signs what it is given; the JWT layer would refuse claims that tests need wrong
        return jwt.PyJWS().encode(
            payload, key.private_key, algorithm="RS256", headers={"typ": "JWT", "kid": key.kid}
        )

    def read(self, token: str) -> Claims | None:
        """Return the claims of a token of this tenant; None if the tenant did not issue it.

        Signature and issuer are verified; audience and time are the caller's to judge, by its own rules.
        """
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            key = next(key for key in (self.keys.current, *self.keys.published) if key.kid == kid)
            payload = jwt.PyJWS().decode(token, key.private_key.public_key(), algorithms=["RS256"])
            claims = json.loads(payload)
        except (jwt.InvalidTokenError, LookupError, StopIteration, ValueError):
            return None
        timed = all(isinstance(claims.get(name), int | float) for name in ("exp", "nbf"))
        complete = timed and {"aud", "oid"} <= claims.keys()
        return claims if complete and claims.get("iss") == self.issuer else None

    def _common(self, audience: str) -> Claims:
        now = int(self.clock())
        return {
            "aud": audience,
            "iss": self.issuer,
            "iat": now - _BACKDATED,
            "nbf": now - _BACKDATED,
            "exp": now + ACCESS_TOKEN_LIFETIME,
            "tid": TENANT_ID,
            "uti": secrets.token_urlsafe(16),
            "ver": "2.0",
        }


def client_info(user: User) -> str:
    """Return the `client_info` member: the home identity by which MSAL keys its accounts."""
    content = json.dumps({"uid": user.home_oid, "utid": user.home_tenant_id}).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _names(user: User) -> Claims:
    return {"name": user.name, "preferred_username": user.sign_in_name}


def _idp(user: User) -> Claims:
    return {"idp": f"https://sts.windows.net/{user.home_tenant_id}/"} if user.is_guest else {}


def _agent(user: User, client: Client) -> Claims:
    """Return the claims about an agent in a delegated token: its own account (13), or its person."""
    if client.agent_parent is None:
        return {}
    subject = {"xms_sub_fct": "3 13"} if user is client.agent_account else {}
    return {"idtyp": "user"} | subject | _actor(client)


def _actor(client: Client) -> Claims:
    """Return the claims about the agent that acts for a person (11: agent identity)."""
    return {"xms_act_fct": "3 9 11", "xms_par_app_azp": client.agent_parent}


def _pairwise(oid: str, audience: str) -> str:
    """Return the pairwise subject: differs by application, the same at each sign-in (OIDC Core 8.1)."""
    digest = hashlib.sha256(f"{TENANT_ID}|{oid}|{audience}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _object_id(client: Client) -> str:
    """Return the object id of the application's service principal in the tenant."""
    return str(uuid5(UUID(TENANT_ID), client.client_id))
