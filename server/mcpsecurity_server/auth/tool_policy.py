"""The policy of single tools: which callers may call them, see them in lists, and answer their questions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from mcp.server.auth.provider import AccessToken

from mcpsecurity_server.auth.errors import AuthError, InsufficientClaims, InsufficientScope, NotPermitted
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.transport import BeforeCall, token_of


@dataclass(frozen=True, slots=True)
class ToolPolicy:
    """What tools need, by their names: `scopes` (short names, all of them), one of the app `roles`, and an
    authentication context (`acrs`). Those in `human` are for people only. `base_scope` is every call's.
    """

    base_scope: str
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    acrs: Mapping[str, str] = field(default_factory=dict)
    human: frozenset[str] = frozenset()

    @property
    def is_needed(self) -> bool:
        """Whether a tool needs more than every call does."""
        return bool(self.scopes or self.roles or self.acrs or self.human)

    def check(self, tool: str, principal: Principal) -> None:
        """Check that the caller has all that a tool needs.

        Raises:
            NotPermitted: the tool is for people and an agent calls as itself, or an app role is missing.
            InsufficientScope: a permission is missing; the error names all, so that one sign-in is enough.
            InsufficientClaims: the sign-in did not satisfy the authentication context.
        """
        if (refusal := self.refusal(tool, principal)) is not None:
            raise refusal

    def refusal(self, tool: str, principal: Principal) -> AuthError | None:
        """Return why a caller may not use a tool now, or None."""
        agent, roles = principal.agent, self.roles.get(tool)
        if agent is not None and agent.is_subject and tool in self.human:
            return NotPermitted("human_needed", "Only a person may use this tool.")
        if roles and set(roles).isdisjoint(principal.roles):
            return NotPermitted(
                "tool_role_missing", "An app role that this tool needs is not assigned to you."
            )
        extra = self.scopes.get(tool)
        if extra and not set(extra) <= set(principal.scopes):
            needed = dict.fromkeys((self.base_scope, *extra))
            return InsufficientScope("tool_scope_missing", "This tool needs more permissions.", tuple(needed))
        context = self.acrs.get(tool)
        if context is not None and context not in principal.contexts:
            return InsufficientClaims(
                "context_missing", "This tool needs another step at sign-in.", _claims(context)
            )
        return None


def _claims(context: str) -> str:
    """Return the claims challenge (JSON text) for an authentication context, such as `c1`."""
    return json.dumps(
        {"access_token": {"acrs": {"essential": True, "value": context}}}, separators=(",", ":")
    )


def tool_guard(policy: ToolPolicy) -> BeforeCall | None:
    """Return a check for each tool call, which raises `AuthError`; None if `policy` needs none."""
    if not policy.is_needed:
        return None

    async def check(tool: str, request: web.Request) -> None:
        token = token_of(request)
        if not isinstance(token, Principal):
            raise NotPermitted("no_principal", "This tool needs a caller who signed in.")
        policy.check(tool, token)

    return check


class CallersOfPolicy:
    """The transport's rules about callers (`CallerRules`), by the policies."""

    def __init__(self, policy: AccessPolicy, tools: ToolPolicy, *, list_permitted: bool) -> None:
        self._policy = policy
        self._tools = tools
        self.hides_tools = list_permitted and tools.is_needed
        self.limits_answers = policy.limits_answers

    def may_see(self, tool: str, token: AccessToken | None) -> bool:
        """Tell whether a list of tools has this one. One that needs another step at sign-in is shown."""
        if not isinstance(token, Principal):
            return False
        refusal = self._tools.refusal(tool, token)
        return refusal is None or isinstance(refusal, InsufficientClaims)

    def may_answer(self, token: AccessToken | None) -> bool:
        """Tell whether the caller may answer what a tool asks."""
        return isinstance(token, Principal) and self._policy.may_answer(token.agent)
