"""Recovers tool calls after a process has ended: those that wait for the person go on, others are ended."""

import asyncio

from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
)

from mcpsecurity_webclient.chat.models import Decision, PendingFunctionCall
from mcpsecurity_webclient.chat.tools.batch import ToolCallBatch
from mcpsecurity_webclient.chat.tools.calls import CANCELLED, said_of


def recover_pending_calls(
    calls: dict[str, PendingFunctionCall], turns: list[ChatMessageContent], now: float
) -> ToolCallBatch | None:
    """Return the last answer's calls if one of them still waits for the person's decision at `now`.

    Every other call that waited is ended, and each call in `turns` that has ended gets a result there,
    because models refuse a conversation in which a call has no result.
    """
    batch = _last_batch(calls, turns)
    mine = {call.call_id for call in batch.calls} if batch is not None else set()
    for call in calls.values():
        if call.status == "proposed":
            _resume_or_end(call, now, known=call.call_id in mine)
    _answer_all(batch, turns)
    return batch if batch is not None and len(batch.answered) < len(batch.calls) else None


def _resume_or_end(call: PendingFunctionCall, now: float, *, known: bool) -> None:
    """Let a call wait on, or end it. `known` tells whether its place in the conversation is known."""
    if not known or call.expires_at is None:
        call.status = "cancelled"
    elif call.expires_at <= now:
        decision = Decision(False, "timeout", call.arguments)
        for name, value in decision.changes().items():
            setattr(call, name, value)
    else:
        call.decision, call.recovered = asyncio.get_running_loop().create_future(), True


def _last_batch(
    calls: dict[str, PendingFunctionCall], turns: list[ChatMessageContent]
) -> ToolCallBatch | None:
    """Return the calls with which the conversation ends, None if it does not end with calls."""
    place = next((n for n in reversed(range(len(turns))) if turns[n].role != AuthorRole.TOOL), None)
    if place is None:
        return None
    by_item = {call.item_id: call for call in calls.values() if call.item_id}
    items = [item for item in _calls_in(turns[place]) if item.id in by_item]
    return _batch_at(place, items, [by_item[item.id or ""] for item in items], turns) if items else None


def _batch_at(
    place: int,
    items: list[FunctionCallContent],
    calls: list[PendingFunctionCall],
    turns: list[ChatMessageContent],
) -> ToolCallBatch:
    """Return the calls of a turn as a batch; those with a result after the turn are answered. Results of
    calls that are not in the batch stand first."""
    results: list[str | None] = []
    for turn in turns[place + 1 :]:
        if turn.role != AuthorRole.TOOL:
            break
        results += [item.id for item in turn.items if isinstance(item, FunctionResultContent)]
    answered = {number for number, item in enumerate(items) if item.id in results}
    return ToolCallBatch(items, calls, place + 1 + len(results) - len(answered), answered)


def _answer_all(last: ToolCallBatch | None, turns: list[ChatMessageContent]) -> None:
    """Give each call that has ended its result, from the last turn to the first."""
    waiting = {item.id for item in last.items} if last is not None else set()
    for place in reversed(range(len(turns))):
        items = [item for item in _calls_in(turns[place]) if item.id not in waiting]
        if not items:
            continue
        batch = _batch_at(place, items, [], turns)
        before = len(turns)
        for number in range(len(items)):
            batch.answer(number, CANCELLED, turns)
        if last is not None:
            last.begin += len(turns) - before
    for number, call in enumerate(last.calls if last is not None else ()):
        if last is not None and call.status != "proposed":
            last.answer(number, said_of(call), turns)


def _calls_in(turn: ChatMessageContent) -> list[FunctionCallContent]:
    return [item for item in turn.items if isinstance(item, FunctionCallContent)]
