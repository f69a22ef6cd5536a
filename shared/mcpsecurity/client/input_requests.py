"""What a server of revision 2026-07-28 asks for in place of a result, and the request that answers it.

Specification 2026-07-28, basic/patterns/mrtr. A result of the type `input_required` has questions, or a
state, or both; the request is sent again with the answers and the same state.
"""

from typing import Any, Final, NamedTuple

from mcpsecurity.sentences import Sentence

ASKING: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""The methods whose result may ask for input."""

_QUESTIONS: Final = frozenset({"elicitation/create", "sampling/createMessage", "roots/list"})
_MAX_QUESTIONS: Final = 32
_MAX_STATE: Final = 1024 * 1024


class UnreadableResultError(ValueError):
    """A result that is not valid for its type; the message is meant for people."""


class InputRequest(NamedTuple):
    """A question of a server; `key` is what the server calls it."""

    key: str
    method: str
    params: dict[str, Any]


class InputRequired(NamedTuple):
    """What a server needs before it goes on; `state` is sent back as it is, if there is one."""

    questions: tuple[InputRequest, ...]
    state: str | None

    def retry(self, params: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of the request that goes on; `answers` are results by the questions' keys."""
        again = {key: value for key, value in params.items() if key not in ("inputResponses", "requestState")}
        if self.questions:
            again["inputResponses"] = answers
        if self.state is not None:
            again["requestState"] = self.state
        return again


def input_required(method: str, result: dict[str, Any]) -> InputRequired | None:
    """Return what a result asks for; None if it is complete.

    Raises:
        UnreadableResultError: it is of another type, or asks for nothing, too much, or in a wrong way.
    """
    kind = result.get("resultType", "complete")
    if kind == "complete":
        return None
    if kind != "input_required" or method not in ASKING:
        raise UnreadableResultError(Sentence("The MCP server answered with a result of an unknown type."))
    asked, state = result.get("inputRequests"), result.get("requestState")
    asked = {} if asked is None else asked
    if not isinstance(asked, dict) or not (state is None or isinstance(state, str)):
        raise UnreadableResultError(Sentence("The MCP server asks for something that cannot be read."))
    if not asked and state is None:
        raise UnreadableResultError(Sentence("The MCP server waits for an answer, and asks nothing."))
    if len(asked) > _MAX_QUESTIONS or len(state or "") > _MAX_STATE:
        raise UnreadableResultError(Sentence("The MCP server asks for too much at once."))
    return InputRequired(tuple(_question(key, question) for key, question in asked.items()), state)


def _question(key: str, question: Any) -> InputRequest:
    method = question.get("method") if isinstance(question, dict) else None
    if not isinstance(method, str) or method not in _QUESTIONS:
        raise UnreadableResultError(Sentence("The MCP server asks for something that cannot be read."))
    params = question.get("params")
    return InputRequest(key, method, params if isinstance(params, dict) else {})
