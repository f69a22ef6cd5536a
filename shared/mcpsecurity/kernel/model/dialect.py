"""What a deployment takes: learned from what it refuses, and remembered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openai import APIStatusError

from mcpsecurity.model_endpoint import Api, ModelEndpoint

__all__ = ["Dialect"]

_NAMES = (
    "reasoning.summary reasoning.effort reasoning reasoning_effort include temperature top_p stop seed user"
    " parallel_tool_calls stream_options tool_choice store"
)
_OPTIONAL = {name: tuple(name.split(".")) for name in _NAMES.split()}
"""Parameters without which a request means the same, or nearly, and where they stand in the body."""

_NO_ENCRYPTION = re.compile(r"encrypted.content", re.IGNORECASE)
_NAMES_RESPONSES = re.compile(r"/v1/responses|responses api", re.IGNORECASE)
_NAMES_CHAT = re.compile(r"/v1/chat/completions|chat completions? api", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"unsupported|not supported|unknown|unrecognized|unexpected|not permitted|extra inputs|invalid"
    r"|does not exist|must be verified",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Dialect:
    """How one deployment is asked.

    Attributes:
        api: the API in use.
        fixed: whether the operator chose it, so that a refusal does not change it.
        dropped: optional parameters that the deployment refused.
        limit: its name for the limit of an answer in Chat Completions.
    """

    api: Literal["responses", "chat"]
    fixed: bool = False
    dropped: set[tuple[str, ...]] = field(default_factory=set)
    limit: str = "max_completion_tokens"
    _turned: bool = False

    @classmethod
    def of(cls, endpoint: ModelEndpoint, api: Api) -> "Dialect":
        """Return how an endpoint is asked at first: by `api`; with `auto`, by Responses if it has it."""
        if api != "auto":
            return cls(api, fixed=True)
        return cls("responses" if endpoint.has_responses else "chat")

    def shaped(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a body as the deployment takes it."""
        shaped = dict(body)
        if self.limit != "max_completion_tokens" and "max_completion_tokens" in shaped:
            shaped[self.limit] = shaped.pop("max_completion_tokens")
        for path in self.dropped:
            _drop(shaped, path)
        return shaped

    def learn(self, error: APIStatusError, body: Mapping[str, Any]) -> bool:
        """Learn from a refusal. True if the same question may be asked once more in another way."""
        parameter, message = error.param or "", error.message or ""
        if self._other_api(error.status_code, message):
            return True
        if error.status_code not in (400, 422):
            return False
        if {"max_tokens", "max_completion_tokens"} & set(body) and "max_" in parameter + message:
            return self._rename_limit(body, message)
        path = _OPTIONAL.get(parameter)
        if path is None and _UNKNOWN.search(message):
            path = next((p for name, p in _OPTIONAL.items() if _named(name, message) and _has(body, p)), None)
        if path is None and _NO_ENCRYPTION.search(message):
            path = ("include",)
        if path is None or path in self.dropped or not _has(body, path):
            return False
        self.dropped.add(path)
        return True

    def _other_api(self, status: int, message: str) -> bool:
        """Turn to the other API, once, if the refusal names it, or if the path of this one does not exist."""
        if self.fixed or self._turned:
            return False
        wanted = self.api
        if self.api == "chat" and status in (400, 404) and _NAMES_RESPONSES.search(message):
            wanted = "responses"
        elif self.api == "responses" and (
            status in (404, 405) or (status == 400 and _NAMES_CHAT.search(message))
        ):
            wanted = "chat"
        if wanted == self.api:
            return False
        self.api, self._turned = wanted, True
        return True

    def _rename_limit(self, body: Mapping[str, Any], message: str) -> bool:
        other = "max_tokens" if "max_completion_tokens" in body else "max_completion_tokens"
        if other == self.limit or not (_UNKNOWN.search(message) or other in message):
            return False
        self.limit = other
        return True


def _named(name: str, message: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", message) is not None


def _has(body: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    found: Any = body
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return False
        found = found[name]
    return True


def _drop(body: dict[str, Any], path: tuple[str, ...]) -> None:
    if not _has(body, path):
        return
    if len(path) == 1:
        del body[path[0]]
        return
    inner = dict(body[path[0]])
    _drop(inner, path[1:])
    if inner:
        body[path[0]] = inner
    else:
        del body[path[0]]
