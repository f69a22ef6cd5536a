"""The turns that the model is sent. All of them are valid, as one bad turn would have every later request
refused."""

import re
import secrets
from collections.abc import Iterable, Sequence

from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    ImageContent,
    TextContent,
)

from mcpsecurity.kernel.context.turns import is_left_out
from mcpsecurity.kernel.model import REASONING

THOUGHT_BY = "thought_by"
"""Key in a turn's metadata: the name of the model whose reasoning is in it, which no other can read."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID_LENGTH = 40
_MESSAGE = "message"


def call_ids(turns: Iterable[ChatMessageContent]) -> set[str]:
    """Return the ids of all calls."""
    return {item.id or "" for turn in turns for item in turn.items if isinstance(item, FunctionCallContent)}


def valid_call(call: FunctionCallContent, arguments: str, taken: set[str]) -> FunctionCallContent:
    """Return a call with a name and an id that Azure OpenAI takes back; `taken` are the ids that other calls
    have, and gets this one's."""
    call_id = call.id
    if not call_id or not call_id.isascii() or len(call_id) > _ID_LENGTH or call_id in taken:
        call_id = f"call_{secrets.token_hex(12)}"
    taken.add(call_id)
    name = call.name or ""
    if not _NAME.fullmatch(name):
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unnamed"
    return FunctionCallContent(id=call_id, name=name, arguments=arguments)


def result_of(call: FunctionCallContent, said: str) -> ChatMessageContent:
    """Return the turn that answers a call."""
    result = FunctionResultContent.from_function_call_content_and_result(call, said)
    return result.to_chat_message_content()


def mark_message(turns: Iterable[ChatMessageContent], message_id: str) -> None:
    """Mark turns as those of a person's message."""
    for turn in turns:
        turn.metadata = {**turn.metadata, _MESSAGE: message_id}


def message_of(turn: ChatMessageContent) -> str | None:
    """Return the id of the person's message that a turn belongs to."""
    message_id = turn.metadata.get(_MESSAGE)
    return message_id if isinstance(message_id, str) else None


def sent(history: ChatHistory) -> ChatHistory:
    """Return the part of a history that the model is sent."""
    if not any(map(is_left_out, history.messages)):
        return history
    return ChatHistory(messages=[turn for turn in history.messages if not is_left_out(turn)])


def without_pictures(turns: Iterable[ChatMessageContent]) -> list[ChatMessageContent]:
    """Return turns for a model that does not see: a text stands for each picture of the person's."""
    shown = TextContent(text="[a picture, which this model does not see]")
    return [
        ChatMessageContent(
            role=turn.role, items=[shown if isinstance(item, ImageContent) else item for item in turn.items]
        )
        if any(isinstance(item, ImageContent) for item in turn.items)
        else turn
        for turn in turns
    ]


def forget_reasoning(turns: Iterable[ChatMessageContent]) -> None:
    """Drop the model's reasoning: it is sent between the rounds of one answer only."""
    for turn in turns:
        turn.metadata.pop(REASONING, None)
        turn.metadata.pop(THOUGHT_BY, None)


def after_results_of(ids: Iterable[str], turns: Sequence[ChatMessageContent]) -> int | None:
    """Return the place after the results of the last turn that makes one of these calls; None for no such."""
    wanted = set(ids)
    made = [place for place, turn in enumerate(turns) if call_ids([turn]) & wanted]
    if not made:
        return None
    end = made[-1] + 1
    while end < len(turns) and turns[end].role == AuthorRole.TOOL:
        end += 1
    return end


def texts_of(turns: Iterable[ChatMessageContent]) -> list[str]:
    """Return every text of these turns: messages, calls and results."""
    texts: list[str] = []
    for turn in turns:
        for item in turn.items:
            values = (getattr(item, name, None) for name in ("text", "arguments", "result"))
            texts += [str(value) for value in values if value]
    return texts
