"""Makes turns fit into a number of tokens by excerpts of long parts, and finds where older turns end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from semantic_kernel.contents import AuthorRole, ChatMessageContent, FunctionResultContent

from mcpsecurity.kernel.context.excerpts import LONGEST, excerpt
from mcpsecurity.kernel.context.look_back import LOOK_BACK
from mcpsecurity.kernel.context.tokens import tokens_of_turn, tokens_of_turns
from mcpsecurity.kernel.context.turns import is_left_out, without_thought

_OLD, _OLDEST = 1 / 24, 120
"""Tokens of an older result: a share of all, and then so many."""
_EARLY = 1 / 3
_LATE = (1 / 6, 1 / 12, 1 / 24, 1 / 48, 0.0)
"""Shares of all tokens that a result of the answer that is under way gets, before and after older turns went
into a note."""
_LEAST = 90
_NOTE = (
    "{left_out} of {whole} characters left out; to read them call %s with the part %s, and with words to "
    "find or an offset from {head} on"
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Turns to send: `tokens` is their estimate, `shortened` how many of them are excerpts."""

    turns: list[ChatMessageContent]
    tokens: int
    shortened: int


def fitted(
    turns: Sequence[ChatMessageContent], places: Sequence[int], question: int, limit: int, *, hard: bool
) -> Fitted | None:
    """Return turns of at most `limit` tokens, or None if excerpts alone do not do it. What the model thought
    for older answers is left out before anything is shortened.

    Args:
        turns: those to send, in order, without the system message.
        places: the place of each in the conversation, which names it.
        question: the place where the person's last message begins; it is older before.
        limit: in tokens, by estimate.
        hard: make results of the answer that is under way as short as need be, too.
    """
    attached = {
        place
        for turn, after, place in zip(turns, turns[1:], places, strict=False)
        if turn.role == after.role == AuthorRole.USER
    }
    for number, (older, newer) in enumerate(_caps(limit, hard=hard)):
        if number == 1:
            turns = [
                without_thought(turn) if hard or place < question else turn
                for turn, place in zip(turns, places, strict=True)
            ]
        caps = (older if place < question else newer for place in places)
        made = [
            shortened_turn(turn, cap, place, material=place in attached)
            for turn, cap, place in zip(turns, caps, places, strict=True)
        ]
        tokens = tokens_of_turns(made)
        if tokens <= limit:
            changed = sum(new is not turn for new, turn in zip(made, turns, strict=True))
            return Fitted(made, tokens, changed)
    return None


def _caps(limit: int, *, hard: bool) -> Iterator[tuple[int, int]]:
    """Yield how many tokens a turn may have, one before the question and a later one: whole ones first (with
    and without thoughts), then shorter and shorter excerpts."""
    yield from [(limit, limit)] * 2
    for older in (max(int(limit * _OLD), _OLDEST), _OLDEST):
        yield older, int(limit * _EARLY)
    for share in _LATE if hard else ():
        yield _LEAST, max(int(limit * share), _LEAST)


def exchanges(turns: Sequence[ChatMessageContent]) -> list[int]:
    """Return the places at which a message of the person begins. One that is not sent is one, too."""
    found = []
    for place, turn in enumerate(turns):
        before = turns[place - 1] if place else None
        follows = before is not None and before.role == AuthorRole.USER and not is_left_out(before)
        if turn.role == AuthorRole.USER and (not follows or is_left_out(turn)):
            found.append(place)
    return found


def shortened_turn(
    turn: ChatMessageContent, tokens: int, place: int, *, material: bool
) -> ChatMessageContent:
    """Return a turn whose results have at most so many tokens each; the same turn if they do. `material`: it
    is something that the person attached, and is shortened as a result is."""
    if tokens_of_turn(turn) <= min(tokens, LONGEST // 8):
        return turn
    if material:
        part = f"{turn.role.value}-{place}"
        cut = excerpt(turn.content, tokens, _NOTE % (LOOK_BACK, part))
        return turn if cut == turn.content else ChatMessageContent(role=turn.role, content=cut)
    items: list[Any] = []
    changed = False
    for item in turn.items:
        if isinstance(item, FunctionResultContent):
            whole = str(item.result)
            cut = excerpt(whole, tokens, _NOTE % (LOOK_BACK, item.id or f"result-{place}"))
            if cut != whole:
                changed = True
                items.append(item.model_copy(update={"result": cut}))
                continue
        items.append(item)
    return ChatMessageContent(role=turn.role, items=items, name=turn.name) if changed else turn
