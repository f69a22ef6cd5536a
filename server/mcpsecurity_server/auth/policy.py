"""The access policy: the permissions, clients, guests and roles that may call with a verified token."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcpsecurity.oidc import Claims, optional_text
from mcpsecurity_server.auth.errors import InsufficientScope, NotPermitted
from mcpsecurity_server.auth.principal import roles_of

__all__ = ["AccessPolicy"]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Decides about verified claims. Scopes are short names; empty sets allow every client and any role."""

    base_scope: str
    tool_scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed_clients: frozenset[str] = frozenset()
    required_roles: frozenset[str] = frozenset()
    allow_guests: bool = True

    def delegated_scopes(self, claims: Claims) -> list[str]:
        """Return the permissions that a person gave the client; they include the base scope.

        Raises:
            InsufficientScope: the token is app-only, or lacks the base scope.
        """
        scp = claims.get("scp")
        if claims.get("idtyp") == "app" or (scp is None and "roles" in claims):
            raise self._lacks("app_only", "Only tokens of signed-in users are accepted.")
        scopes = [s for s in scp.split(" ") if s] if isinstance(scp, str) else []
        if self.base_scope not in scopes:
            raise self._lacks("scope_missing", f"The permission {self.base_scope} is needed.")
        return scopes

    def check_permitted(self, claims: Claims) -> None:
        """Raise `NotPermitted` for a client, a guest or a missing role that the configuration refuses."""
        client = optional_text(claims, "azp") or optional_text(claims, "appid")
        if self.allowed_clients and client not in self.allowed_clients:
            raise NotPermitted("client_not_allowed", "This application may not call.")
        if not self.allow_guests and is_guest(claims):
            raise NotPermitted("guest_not_allowed", "Guest users may not call.")
        if self.required_roles and self.required_roles.isdisjoint(roles_of(claims)):
            raise NotPermitted(
                "role_missing", "An app role that this server requires is not assigned to you."
            )

    def check_tool(self, tool: str, granted: list[str]) -> None:
        """Check that `granted` has all permissions that a tool needs.

        Raises:
            InsufficientScope: one is missing; the error names all of them, so that one sign-in is enough.
        """
        extra = self.tool_scopes.get(tool)
        if extra and not set(extra) <= set(granted):
            needed = dict.fromkeys((self.base_scope, *extra))
            raise InsufficientScope("tool_scope_missing", "This tool needs more permissions.", tuple(needed))

    def _lacks(self, reason: str, description: str) -> InsufficientScope:
        return InsufficientScope(reason, description, (self.base_scope,))


def is_guest(claims: Claims) -> bool:
    """Tell whether the user is a guest: `acct` says so, or the identity provider is not the tenant itself.

    `acct` is an optional claim (0 member, 1 guest; any other value counts as guest). Entra adds `idp` to the
    tokens of guests by itself.
    """
    if claims.get("acct", 0) != 0:
        return True
    provider, tenant_id = optional_text(claims, "idp"), claims.get("tid")
    return provider is not None and str(tenant_id) not in provider
