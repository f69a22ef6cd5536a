"""Answers to what servers ask, listed by a test."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from mcp import types

Answer = dict[str, Any] | Literal["decline", "cancel"]
"""The values of a form, which accept it, or that it is declined or dismissed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a server asked: its message, and the form's schema, or the address to open."""

    message: str
    schema: dict[str, Any] | None = None
    url: str | None = None


class Answers:
    """Answers elicitation requests in order, and records them.

        answers = Answers({"text": "Well done!"}, "decline")
        async with mcp_session("alice", elicitation=answers) as session: ...
        assert answers.asked[0].message == "A card for Bob"

    A question for which no answer is left is answered with an error, which the tool of the server gets.
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers = deque(answers)
        self.asked: list[Question] = []

    @property
    def left(self) -> int:
        """How many answers have not been used."""
        return len(self._answers)

    async def __call__(
        self,
        context: Any,  # noqa: ARG002 - the SDK's signature
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        """Answer one question: the callback of an MCP session."""
        schema, url = getattr(params, "requestedSchema", None), getattr(params, "url", None)
        self.asked.append(Question(params.message, schema, url))
        if not self._answers:
            return types.ErrorData(code=types.INVALID_REQUEST, message="The test lists no answer for this.")
        answer = self._answers.popleft()
        if isinstance(answer, str):
            return types.ElicitResult(action=answer)
        return types.ElicitResult(action="accept", content=None if url is not None else answer)
