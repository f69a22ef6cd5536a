"""The tools that the operator allows, and the effects that a tool declares."""

from collections.abc import Callable, Collection, Iterable
from fnmatch import fnmatchcase
from typing import Any, Literal

from mcpsecurity_webclient.server_settings import McpServerSettings

Effect = Literal["reads", "changes", "destroys", "unknown"]
Rule = Literal["always_ask", "never_ask", "refuse"]


class ToolPolicy:
    """The operator's rules for the tools of one server. `roles` returns the person's app roles."""

    def __init__(self, settings: McpServerSettings, roles: Callable[[], Collection[str]]) -> None:
        self._settings = settings
        self._roles = roles

    def sees(self, tool: str) -> bool:
        """Tell whether the person gets to see a tool."""
        rules = self._settings
        if not _fits(tool, rules.include) or _fits(tool, rules.exclude):
            return False
        held = set(self._roles()) if rules.roles else set[str]()
        return all(not held.isdisjoint(roles) for p, roles in rules.roles.items() if fnmatchcase(tool, p))

    def allows(self, tool: str) -> bool:
        """Tell whether the operator lets the person run a tool."""
        return self.sees(tool) and self.rule(tool) != "refuse"

    def rule(self, tool: str) -> Rule | None:
        """Return the rule for a tool: the strictest of those that fit."""
        rules = self._settings
        if _fits(tool, rules.refuse):
            return "refuse"
        if _fits(tool, rules.always_ask):
            return "always_ask"
        return "never_ask" if _fits(tool, rules.never_ask) else None


def effect_of(annotations: dict[str, Any] | None) -> Effect:
    """Return what a tool's annotations say, with the defaults of MCP (2025-11-25, ToolAnnotations): a tool
    that does not only read may destroy unless its server says otherwise. Without annotations: `unknown`."""
    said = annotations or {}
    if said.get("readOnlyHint") is True:
        return "reads"
    if said.get("destructiveHint") is True:
        return "destroys"
    if said.get("destructiveHint") is False:
        return "changes"
    return "destroys" if said.get("readOnlyHint") is False else "unknown"


def _fits(tool: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(tool, pattern) for pattern in patterns)
