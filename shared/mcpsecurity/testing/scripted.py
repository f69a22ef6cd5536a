"""A model that answers as a test says.

scripted_model.will(calls("Tools-greet", {"name": "Ada"}), says("Greeted."))
...
assert scripted_model.asked[-1].messages[-1]["content"] == "Hello, Ada"
"""

from collections.abc import Mapping
from typing import Any, Literal

from mcpsecurity.localcloud.openai import Asked, ModelFault, Script, Turn
from mcpsecurity.localcloud.openai.offline import Reply, ToolCall

__all__ = ["Asked", "ScriptedModel", "Turn", "calls", "fails", "refuses", "says"]


class ScriptedModel:
    """Every deployment of the local cloud, by every API: it gives the answers of a list, in order.

    When the list is used up, the offline model answers. A request that a real endpoint would refuse is
    refused, and takes nothing from the list.
    """

    def __init__(self, script: Script) -> None:
        self._script = script

    def will(self, *turns: Turn) -> None:
        """Add answers, made by `says`, `calls`, `refuses` and `fails`."""
        self._script.turns.extend(turns)

    @property
    def asked(self) -> list[Asked]:
        """What it was asked, the oldest first."""
        return list(self._script.asked)

    @property
    def left(self) -> int:
        """How many answers of the list have not been used yet."""
        return len(self._script.turns)

    def clear(self) -> None:
        """Forget the list and the recorded requests."""
        self._script.clear()


def says(
    text: str,
    finish: str | None = None,
    *,
    usage: Mapping[str, int] | Literal["counted"] | None = "counted",
    delay: float = 0.0,
    pace: float | None = None,
    drop_after: int | None = None,
) -> Turn:
    """Return an answer in words.

    Args:
        text: the words; empty is an answer without any.
        finish: why it ends, in the words of Chat Completions: `length`, `content_filter`; None is `stop`.
        usage: `prompt_tokens` and `completion_tokens` to report; None reports none.
        delay: seconds before it begins.
        pace: seconds between its pieces.
        drop_after: after so many pieces the connection breaks.
    """
    return Turn(Reply(text, finish=finish), usage, delay, pace, drop_after)


def calls(tool: str, arguments: Mapping[str, Any] | str = "{}", *more: ToolCall, delay: float = 0.0) -> Turn:
    """Return an answer that calls a tool.

    Args:
        tool: the name on the wire: plugin and tool, as in `Tools-greet`.
        arguments: an object, or exactly the text that is sent.
        more: further calls of the same answer.
        delay: seconds before it begins.
    """
    given = arguments if isinstance(arguments, str) else dict(arguments)
    return Turn(Reply(calls=(ToolCall(tool, given), *more)), delay=delay)


def refuses(words: str) -> Turn:
    """Return an answer in which the model refuses."""
    return Turn(Reply(refusal=words))


def fails(fault: ModelFault) -> Turn:
    """Return a request that fails: `fails(ModelFault.rate_limit())`."""
    return Turn(fault=fault)
