"""Applies the policies to single tools: before a call, in lists, and to questions."""

from aiohttp import web
from mcp.server.auth.provider import AccessToken

from mcpsecurity_server.auth.errors import InsufficientClaims, NotPermitted
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.auth.tool_policy import ToolPolicy
from mcpsecurity_server.transport import BeforeCall, token_of


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
