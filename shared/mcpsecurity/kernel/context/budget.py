"""Keeps what a model is sent within its context window: excerpts first, then a note of older turns."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import AuthorRole, ChatMessageContent

from mcpsecurity.kernel.context.errors import TooLongError
from mcpsecurity.kernel.context.fitting import Fitted, exchanges, fitted
from mcpsecurity.kernel.context.notes import ContextUse, Note, Noted
from mcpsecurity.kernel.context.summary import NOTE_HEAD, put_together, written_note
from mcpsecurity.kernel.context.tokens import tokens_of_turn, tokens_of_turns
from mcpsecurity.kernel.context.turns import is_left_out, without_thought
from mcpsecurity.kernel.model import ChatModel

_ANSWER, _MOST_OF_ANSWER = 1 / 4, 16_000
_MARGIN = 0.03
_KEEP = 0.4
_NOTE, _MOST_OF_NOTE = 1 / 8, 2_000
_LEAST_RATIO, _MOST_RATIO = 0.6, 5.0
_SMALLER = 0.6
_SHORT = 300
_LEAST_WINDOW = 512
_PAGE = 6
_GUESS = 2.5
"""How many times system message and tools fit into a window that is guessed, at least."""
_LEAST_PAGE, _MOST_OF_PAGE = 600, 60_000
_LIMIT_TOLD = re.compile(
    r"(?:context (?:size|window|length)|n_ctx|maximum (?:prompt|input) length|tokens allowed|token limit"
    r"|max size|tokens >)[^0-9]{0,40}?([0-9][0-9,]{2,10})",
    re.IGNORECASE,
)
_SENT_TOLD = re.compile(
    r"(?:resulted in|requested|(?:request|input|count) \(|has|contains|too long:)"
    r"[^0-9]{0,20}([0-9][0-9,]{2,10})(?![0-9,]*\s*characters)"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overhead:
    """Tokens of a request besides the turns, by estimate."""

    system: int
    tools: int


@dataclass(slots=True)
class ModelInUse:
    """The model that is asked, with its title: `window` in tokens, `answer` the most of an answer if that is
    set. A window that is only `guessed` grows with the tools, which a model is taken to read."""

    title: str
    service: ChatCompletionClientBase
    window: int
    answer: int | None = None
    guessed: bool = False

    @property
    def room(self) -> int:
        """The tokens that a request may have, so that an answer has its place."""
        reserved = min(self.answer or int(self.window * _ANSWER), self.window // 2)
        reserved = reserved if self.answer else min(reserved, _MOST_OF_ANSWER)
        return int(self.window * (1 - _MARGIN)) - reserved

    @property
    def wants_thoughts(self) -> bool:
        """Whether it is sent what it thought for older answers, too."""
        return isinstance(self.service, ChatModel) and self.service.wants_thoughts


class ContextBudget:
    """The budget of one conversation. What its requests used is kept in `use`. `noted` keeps a new note.

    After `prepared`, `looks_back` tells whether the model is not sent everything, so that it needs a way to
    look back.
    """

    def __init__(self, use: ContextUse, noted: Callable[[Note], None]) -> None:
        self._use = use
        self._noted = noted
        self._sent = 0
        self._page = 0
        self._smaller: int | None = None
        self.looks_back = False

    async def prepared(
        self, conversation: Noted, model: ModelInUse, overhead: Overhead
    ) -> list[ChatMessageContent]:
        """Return the turns to send, without the system message. Older ones go into a note if they must.

        Raises:
            TooLongError: the person's last message, or the tools, are too long by themselves.
        """
        if model.guessed:
            needed = (overhead.system + overhead.tools) * self._use.ratio
            model.window = max(model.window, int(needed * _GUESS))
        limit = self._limit(model, overhead)
        if limit <= 0:
            raise TooLongError("tools")
        found = _fitted(conversation, model, limit, hard=False)
        if found is None and (cut := _cut(conversation, limit)):
            self._noted(await _new_note(conversation, model, cut, int(model.room / self._use.ratio)))
            found = _fitted(conversation, model, limit, hard=False)
        found = found or _fitted(conversation, model, limit, hard=True)
        if found is None:
            raise TooLongError("message")
        self._sent = found.tokens + overhead.system + overhead.tools
        self._page = limit // _PAGE
        self._use.window, self._use.shortened = model.window, found.shortened
        self._use.guessed = model.guessed
        self._use.used = round(self._sent * self._use.ratio)
        self.looks_back = found.shortened > 0 or conversation.note is not None
        return found.turns

    @property
    def page(self) -> int:
        """How many characters the model gets at a time when it looks back."""
        return min(max(self._page * 3, _LEAST_PAGE), _MOST_OF_PAGE)

    def reported(self, model: ModelInUse, tokens: int | None) -> None:
        """Learn from the tokens that a model reports to have read."""
        use = self._use
        if tokens and self._sent:
            ratio = min(max(tokens / self._sent, _LEAST_RATIO), _MOST_RATIO)
            use.ratio, use.used = max(ratio, (use.ratio + ratio) / 2), tokens
        use.window = model.window

    def refused(self, model: ModelInUse, message: str) -> None:
        """Learn from a refusal that says that a request was too long: the next one is smaller, and so is the
        window: the size that the refusal says, else the size of the request, if that was much of it."""
        use = self._use
        sent_tokens = int(self._sent * use.ratio)
        found = _number(_LIMIT_TOLD, message)
        learned = found or (sent_tokens if sent_tokens > model.window // 2 else None)
        if learned is not None and _LEAST_WINDOW <= learned < model.window:
            model.window = learned
        if found and (sent := _number(_SENT_TOLD, message)) and self._sent and sent > found:
            use.ratio = min(max(sent / self._sent, use.ratio), _MOST_RATIO)
        self._smaller = int(self._sent * _SMALLER)
        model.guessed = model.guessed and learned is None

    def _limit(self, model: ModelInUse, overhead: Overhead) -> int:
        """Return the tokens that turns may have, by estimate; after a refusal fewer, once."""
        room = int(model.room / self._use.ratio)
        if self._smaller is not None:
            room, self._smaller = min(room, self._smaller), None
        return room - overhead.system - overhead.tools


def _fitted(conversation: Noted, model: ModelInUse, limit: int, *, hard: bool) -> Fitted | None:
    note, turns = conversation.note, conversation.turns
    begin = note.turns if note is not None else int(begins_with_system(turns))
    places = [place for place in range(begin, len(turns)) if not is_left_out(turns[place])]
    head = [] if note is None else [_note_turn(note)]
    left = limit - tokens_of_turns(head)
    whole = [turns[place] for place in places]
    counted = whole if model.wants_thoughts else list(map(without_thought, whole))
    found = fitted(counted, places, conversation.question, left, hard=hard)
    if found is None:
        return None
    unchanged = dict(zip(map(id, counted), whole, strict=True))  # with thoughts, should it ask for them
    sent = [unchanged.get(id(turn), turn) for turn in found.turns]
    return Fitted([*head, *sent], found.tokens + limit - left, found.shortened)


def _cut(conversation: Noted, limit: int) -> int:
    """Return the place of the first turn that stays out of a note; 0 if nothing older is there."""
    turns, note = conversation.turns, conversation.note
    begin = note.turns if note is not None else int(begins_with_system(turns))
    starts = [place for place in exchanges(turns) if begin < place <= conversation.question]
    kept, cut = 0, 0
    for place in reversed(starts):
        end = cut or len(turns)
        kept += sum(map(_least_tokens, turns[place:end]))
        if cut and kept > limit * _KEEP:
            break
        cut = place
    return cut


async def _new_note(conversation: Noted, model: ModelInUse, cut: int, room: int) -> Note:
    """Return a note of everything before a place. One that was put together without the model is not built
    upon: the model reads the summarised turns again."""
    before = conversation.written_note
    turns = conversation.turns[before.turns if before is not None else 0 : cut]
    said, size = before.text if before is not None else "", min(int(room * _NOTE), _MOST_OF_NOTE)
    try:
        text = await written_note(model.service, said, turns, limit=room, size=size)
    except Exception as error:  # noqa: BLE001 - an error of the model must not end the chat
        _log.warning("the model wrote no note (%s); it is put together", type(error).__name__)
        return Note(put_together(said, turns, size), cut)
    return Note(text, cut, model.title)


def _note_turn(note: Note) -> ChatMessageContent:
    return ChatMessageContent(role=AuthorRole.USER, content=f"{NOTE_HEAD}\n{note.text}")


def _least_tokens(turn: ChatMessageContent) -> int:
    """Return the tokens of a turn that is as short as it can be: messages are never cut, results are."""
    tokens = tokens_of_turn(without_thought(turn))
    return min(tokens, _SHORT) if turn.role == AuthorRole.TOOL else tokens


def begins_with_system(turns: Sequence[ChatMessageContent]) -> bool:
    """Tell whether the first turn is the developer's, which is always sent."""
    return bool(turns) and turns[0].role == AuthorRole.SYSTEM


def _number(pattern: re.Pattern[str], message: str) -> int | None:
    found = pattern.search(message)
    return int(found[1].replace(",", "")) if found else None
