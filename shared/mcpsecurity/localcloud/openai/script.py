"""Answers that a test lists in order, and a record of the requests."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mcpsecurity.localcloud.openai.faults import ModelFault
from mcpsecurity.localcloud.openai.offline import Reply

_MOST_ASKED = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was accepted.

    Attributes:
        api: by which API it came: `responses`, `chat` (v1), or `dated` Chat Completions.
        deployment: which deployment was asked.
        messages, tools: the conversation and the tools, in the shape of Chat Completions for every API;
            content that is text alone is a string.
        body: the request as it came.
    """

    api: Literal["responses", "chat", "dated"]
    deployment: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer.

    Attributes:
        reply: the text of the answer.
        usage: the reported tokens, as `prompt_tokens` and `completion_tokens`; None reports nothing, and
            "counted" the local cloud's own count.
        delay: seconds before the answer begins.
        pace: seconds between its pieces; None is the pace of the local cloud.
        drop_after: the connection breaks after this many pieces; None lets it end.
        fault: the request fails with it instead.
    """

    reply: Reply = field(default_factory=Reply)
    usage: Mapping[str, int] | Literal["counted"] | None = "counted"
    delay: float = 0.0
    pace: float | None = None
    drop_after: int | None = None
    fault: ModelFault | None = None


class Script:
    """Turns for the next requests that would be answered; the offline model answers those after them.

    `asked` are the requests that came, the oldest first, at most the last 1,000.
    """

    def __init__(self) -> None:
        self.turns: deque[Turn] = deque()
        self.asked: deque[Asked] = deque(maxlen=_MOST_ASKED)

    def next_for(self, asked: Asked) -> Turn | None:
        """Record a request, and return the turn that answers it, if there is one."""
        self.asked.append(replace(asked, messages=[_with_plain_text(each) for each in asked.messages]))
        return self.turns.popleft() if self.turns else None

    def clear(self) -> None:
        """Forget turns and requests."""
        self.turns.clear()
        self.asked.clear()


def _with_plain_text(message: dict[str, Any]) -> dict[str, Any]:
    parts = message.get("content")
    if not isinstance(parts, list) or any(part.get("type") != "text" for part in parts):
        return message
    return message | {"content": "".join(part["text"] for part in parts)}
