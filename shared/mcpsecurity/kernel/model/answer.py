"""An answer of a model while it comes in: the same for every API."""

from dataclasses import dataclass, field
from typing import Any

from semantic_kernel.connectors.ai.completion_usage import CompletionUsage
from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FinishReason,
    FunctionCallContent,
    TextContent,
)

__all__ = ["REASONING", "Answer", "Call", "Usage"]

REASONING = "reasoning"
"""Key in a message's metadata: reasoning items, which go back to the model within the same answer."""


@dataclass(slots=True)
class Call:
    """A function call; `arguments` is the JSON text that the model wrote."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Usage:
    """Tokens of a request, as far as the endpoint reports them."""

    prompt: int | None = None
    completion: int | None = None
    reasoning: int | None = None
    cached: int | None = None


@dataclass(slots=True)
class Answer:
    """What a model has said so far.

    Attributes:
        text: the pieces of its text.
        refusal: the pieces of its refusal.
        summary: the pieces of its reasoning's summary.
        calls: its function calls, by their place in the answer.
        reasoning: reasoning items, each with the number of calls before it.
        finish_reason: `stop`, `length`, `content_filter`, `tool_calls`, or another word of
            the endpoint; None until the answer ends.
    """

    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    reasoning: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str | None = None
    _half: str = ""

    def add_text(self, piece: str) -> str:
        """Add text and return what can be shown of it: half a surrogate pair waits for its other half."""
        whole = _joined(self._half + piece)
        self._half = ""
        if whole and "\ud800" <= whole[-1] <= "\udbff":
            whole, self._half = whole[:-1], whole[-1]
        whole = _without_halves(whole)
        if whole:
            self.text.append(whole)
        return whole

    def message(self, model_id: str) -> ChatMessageContent:
        """Return the answer as a message of Semantic Kernel; its metadata has refusal, summary, usage and the
        endpoint's own finish reason."""
        text = "".join(self.text) + ("\ufffd" if self._half else "")
        items: list[Any] = [TextContent(text=text)] if text else []
        items += [
            FunctionCallContent(id=call.id, index=place, name=call.name, arguments=call.arguments)
            for place, call in sorted(self.calls.items())
        ]
        return ChatMessageContent(
            role=AuthorRole.ASSISTANT,
            items=items,
            ai_model_id=model_id,
            finish_reason=_finish_reason(self.finish_reason),
            metadata=self.metadata(),
        )

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the message: what is known, and nothing else."""
        known: dict[str, Any] = {
            "usage": _usage(self.usage),
            "model": self.model,
            "finish_reason": self.finish_reason,
            "refusal": _without_halves("".join(self.refusal)),
            "reasoning_summary": _without_halves("".join(self.summary)),
            REASONING: self.reasoning,
        }
        return {name: value for name, value in known.items() if value}


def _joined(text: str) -> str:
    """Return text in which the halves of surrogate pairs that stand side by side are characters."""
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _without_halves(text: str) -> str:
    """Return text that can be written as UTF-8: lone halves of surrogate pairs are replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _finish_reason(reason: str | None) -> FinishReason | None:
    try:
        return FinishReason(reason) if reason else None
    except ValueError:
        return None


def _usage(usage: Usage | None) -> CompletionUsage | None:
    if usage is None:
        return None
    return CompletionUsage(
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        prompt_tokens_details={"cached_tokens": usage.cached} if usage.cached is not None else None,
        completion_tokens_details={"reasoning_tokens": usage.reasoning}
        if usage.reasoning is not None
        else None,
    )
