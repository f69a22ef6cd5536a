"""The access policy: the permissions, clients, guests and roles that may call with a verified token."""

from dataclasses import dataclass

from mcpsecurity.oidc import Claims, optional_text
from mcpsecurity_server.access_settings import AgentAnswers
from mcpsecurity_server.auth.errors import InsufficientScope, NotPermitted
from mcpsecurity_server.auth.principal import Agent, roles_of


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Decides about verified claims. Scopes are short names; empty sets allow every client and any role.

    `allowed_agents` are client IDs of agents, or of their parents, that may call by user accounts of their
    own.
    """

    base_scope: str
    allowed_clients: frozenset[str] = frozenset()
    required_roles: frozenset[str] = frozenset()
    allow_guests: bool = True
    allowed_agents: frozenset[str] = frozenset()
    agents_for_people: bool = True
    agent_answers: AgentAnswers = "for-people"

    def check_delegated(self, claims: Claims, granted: list[str]) -> None:
        """Check that a person gave the client permissions, the base scope among them.

        Raises:
            InsufficientScope: the token is app-only, or lacks the base scope.
        """
        if claims.get("idtyp") == "app" or (claims.get("scp") is None and "roles" in claims):
            raise self._lacks("app_only", "Only tokens of signed-in users are accepted.")
        if self.base_scope not in granted:
            raise self._lacks("scope_missing", f"The permission {self.base_scope} is needed.")

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

    def check_agent(self, agent: Agent | None) -> None:
        """Raise `NotPermitted` for an agent that may not call."""
        if agent is None or (not agent.is_subject and self.agents_for_people):
            return
        if not agent.is_subject:
            raise NotPermitted("agent_for_person_not_allowed", "Agents may not call on behalf of people.")
        if self.allowed_agents.isdisjoint((agent.client_id, agent.parent_id)):
            raise NotPermitted("agent_not_allowed", "Only people may call; this is the account of an agent.")

    @property
    def limits_answers(self) -> bool:
        """Whether a caller can be accepted without the right to answer a tool's questions."""
        for_people = self.agents_for_people and self.agent_answers == "none"
        return for_people or (bool(self.allowed_agents) and self.agent_answers != "all")

    def may_answer(self, agent: Agent | None) -> bool:
        """Tell whether this caller may answer a tool's questions."""
        if agent is None or self.agent_answers == "all":
            return True
        return self.agent_answers == "for-people" and not agent.is_subject

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
