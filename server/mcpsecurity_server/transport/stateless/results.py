"""Adds to results what 2026-07-28 requires: their type, the server's name, and how long to cache them."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from mcpsecurity_server.transport.protocol import ALL_VERSIONS
from mcpsecurity_server.transport.stateless.input_required import Question

_SERVER_KEY: Final = "io.modelcontextprotocol/serverInfo"
_LISTS: Final = (
    "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caching:
    """How long clients may cache lists and resources, in milliseconds, and whether callers may share them.

    `public` is for programs whose lists are the same for all callers, with or without a token.
    """

    lists_ms: int = 60_000
    reads_ms: int = 0
    scope: Literal["private", "public"] = "private"


class Results:
    """Completes results of the dispatcher. `initialized` is the result of `initialize`."""

    def __init__(self, initialized: dict[str, Any], caching: Caching) -> None:
        self._meta = {_SERVER_KEY: initialized["serverInfo"]}
        self._initialized = initialized
        lists = {"ttlMs": caching.lists_ms, "cacheScope": caching.scope}
        self._hints: dict[str, dict[str, Any]] = dict.fromkeys(_LISTS, lists)
        self._hints["resources/read"] = {"ttlMs": caching.reads_ms, "cacheScope": "private"}

    def complete(self, method: str, result: dict[str, Any]) -> dict[str, Any]:
        """Return a final result; `result` is changed. Caching hints of the handler take precedence."""
        result["resultType"] = "complete"
        result["_meta"] = self._meta | (result["_meta"] or {}) if "_meta" in result else self._meta
        return self._hints[method] | result if method in self._hints else result

    def input_required(self, questions: list[Question], state: str) -> dict[str, Any]:
        """Return the result that asks the client."""
        return {
            "resultType": "input_required",
            "inputRequests": {question.key: question.request for question in questions},
            "requestState": state,
            "_meta": self._meta,
        }

    def discovered(self) -> dict[str, Any]:
        """Return the result of `server/discover`."""
        found: dict[str, Any] = {
            "supportedVersions": list(ALL_VERSIONS),
            "capabilities": self._initialized["capabilities"],
        }
        if "instructions" in self._initialized:
            found["instructions"] = self._initialized["instructions"]
        return self.complete("server/discover", found)
