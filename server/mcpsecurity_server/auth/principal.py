"""Who calls: the signed-in person and the application, from a validated access token."""

from typing import Any, Self

from aiohttp import web
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from mcpsecurity.oidc import Claims, optional_text, required_text
from mcpsecurity_server.auth.bearer import bearer_token
from mcpsecurity_server.transport.identity import Owner

__all__ = ["Principal", "current_caller"]


class Principal(AccessToken):
    """The SDK's access token with names for what Entra's claims say. Printing it shows no token and no
    claims.

    `client_id` is the calling application's (empty if the token names none), `scopes` are short names,
    `expires_at` is the token's `exp`, `subject` its `sub`, `resource` its `aud`.
    """

    tenant_id: str
    object_id: str
    name: str | None
    username: str | None
    roles: tuple[str, ...]
    owner: Owner
    """Whose sessions are the caller's: tenant, person and application."""

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("tenant_id", self.tenant_id), ("object_id", self.object_id), ("client_id", self.client_id)]

    def of_request(self, request: web.Request) -> Self:
        """Return the caller with the token that `request` carries; see `TOKEN_KEY`."""
        return self if self.token else self.model_copy(update={"token": bearer_token(request)})

    def without_token(self) -> Self:
        """Return the caller as it can be kept."""
        return self.model_copy(update={"token": ""})

    @classmethod
    def from_claims(cls, raw: str, claims: Claims, scopes: list[str]) -> "Principal":
        """Build from claims that were found good."""
        client_id = optional_text(claims, "azp") or optional_text(claims, "appid") or ""
        tenant_id, object_id = required_text(claims, "tid"), required_text(claims, "oid")
        return cls.model_construct(
            token=raw,
            client_id=client_id,
            scopes=scopes,
            expires_at=int(claims["exp"]),
            resource=required_text(claims, "aud"),
            subject=required_text(claims, "sub"),
            claims=dict(claims),
            tenant_id=tenant_id,
            object_id=object_id,
            owner=Owner(tenant_id, object_id, client_id),
            name=optional_text(claims, "name"),
            username=optional_text(claims, "preferred_username") or optional_text(claims, "upn"),
            roles=roles_of(claims),
        )


def roles_of(claims: Claims) -> tuple[str, ...]:
    """Return the app roles in the token."""
    roles = claims.get("roles")
    return tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()


def current_caller() -> Principal | None:
    """Return who makes the call that runs now; None when the server runs without authentication."""
    token = get_access_token()
    return token if isinstance(token, Principal) else None
