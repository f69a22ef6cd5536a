"""The questions, answers and steps of a call so far, so that it can be run again.

The key of a question is chosen by its author, or a digest of its content. An answer counts only if the digest
of the question's method and parameters is unchanged; a changed question is asked again.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple

from mcp import types
from pydantic import BaseModel, ValidationError

from mcpsecurity_server.transport.dispatch.authoring import chosen_key
from mcpsecurity_server.transport.jsonrpc import to_sorted_json

ASKABLE: Final[dict[str, type[BaseModel]]] = {
    "elicitation/create": types.ElicitResult,
    "sampling/createMessage": types.CreateMessageResultWithTools,
    "roots/list": types.ListRootsResult,
}
"""The requests that can be sent to a client, and their results."""

_WORDS = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}


class Question(NamedTuple):
    """A question with its key; the client gets `request`."""

    key: str
    digest: str
    request: dict[str, Any]
    chosen: bool


@dataclass(slots=True)
class Journal:
    """One run of a call. `asked`, `answers`, `steps`, `rounds` and `notified` are passed to the next run."""

    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Key to digest and method, of the questions of the round before."""
    answers: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Key to digest and answer."""
    steps: dict[str, Any] = field(default_factory=dict)
    rounds: int = 0
    notified: int = 0
    """Notifications that were sent in the rounds before."""
    responses: Mapping[str, Any] = field(default_factory=dict)
    """The `inputResponses` of this request."""
    resumed: bool = False
    pending: dict[str, Question] = field(default_factory=dict, init=False)
    _seen: dict[str, int] = field(default_factory=dict, init=False)

    @classmethod
    def first(cls, responses: Mapping[str, Any]) -> "Journal":
        """Return the journal of a request without a state."""
        return cls(responses=responses)

    @classmethod
    def resume(cls, state: Mapping[str, Any], responses: Mapping[str, Any]) -> "Journal":
        """Return the journal of a retry, with the valid answers to the questions that were asked."""
        journal = cls(
            asked={key: (digest, method) for key, (digest, method) in state["q"].items()},
            answers={key: (digest, answer) for key, (digest, answer) in state["a"].items()},
            steps=dict(state["s"]),
            rounds=state["n"],
            notified=state["p"],
            responses=responses,
            resumed=True,
        )
        for key, (digest, method) in journal.asked.items():
            if key in responses and _fits(method, responses[key]):
                journal.answers[key] = (digest, responses[key])
        return journal

    def state(self, notified: int) -> dict[str, Any]:
        """Return the state for the next round; `notified` notifications were sent so far."""
        asked = {q.key: (q.digest, q.request["method"]) for q in self.pending.values()}
        return {"q": asked, "a": self.answers, "s": self.steps, "n": self.rounds + 1, "p": notified}

    def question(self, method: str, params: Mapping[str, Any] | None) -> Question:
        """Return a question with its key; the same question asked twice in a run gets two keys."""
        request = _request(method, params)
        digest = _digest(request)
        chosen = chosen_key.get()
        key = self.unique(chosen or f"{_WORDS[method]}-{digest[:12]}")
        return Question(key, digest, request, chosen is not None)

    def answer(self, question: Question) -> Any:
        """Return the answer to a question, or None.

        An answer without a question before it counts only for a key that the author chose.
        """
        digest, answer = self.answers.get(question.key, (None, None))
        if digest == question.digest:
            return answer
        self.answers.pop(question.key, None)
        if self.resumed or not question.chosen or question.key not in self.responses:
            return None
        answer = self.responses[question.key]
        if not _fits(question.request["method"], answer):
            return None
        self.answers[question.key] = (question.digest, answer)
        return answer

    def unique(self, name: str) -> str:
        """Return a name that is unique in this run, and the same in every run that takes the same steps."""
        number = self._seen[name] = self._seen.get(name, 0) + 1
        return name if number == 1 else f"{name}-{number}"


def _request(method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a question in the form of this revision: without members that only sessions need."""
    left = {
        key: value for key, value in (params or {}).items() if key not in ("_meta", "elicitationId", "task")
    }
    return {"method": method, "params": left}


def _digest(request: Mapping[str, Any]) -> str:
    digest = sha256(to_sorted_json(request)).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def _fits(method: str, answer: Any) -> bool:
    """Tell whether an answer is valid for its method."""
    try:
        ASKABLE[method].model_validate(answer)
    except ValidationError:
        return False
    return True
