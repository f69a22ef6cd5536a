"""Keeps what a model is sent within its context window: excerpts first, then a note of older turns."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import AuthorRole, ChatMessageContent

from mcpsecurity.kernel import ChatModel
from mcpsecurity_webclient.chat.context.fitting import Fitted, exchanges, fitted
from mcpsecurity_webclient.chat.context.summary import NOTE_HEAD, put_together, written_note
from mcpsecurity_webclient.chat.context.tokens import tokens_of_turn, tokens_of_turns
from mcpsecurity_webclient.chat.history import is_left_out, message_of, without_thought
from mcpsecurity_webclient.chat.notes import Note
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import TooLongError

__all__ = ["ContextBudget", "ModelInUse", "Overhead"]

_ANSWER, _MOST_OF_ANSWER = 1 / 4, 16_000
_MARGIN = 0.03
_KEEP = 0.4
_NOTE, _MOST_OF_NOTE = 1 / 8, 2_000
_LEAST_RATIO, _MOST_RATIO = 0.6, 5.0
_SMALLER = 0.6
_SHORT = 300
_LEAST_WINDOW = 512
_PAGE = 6
_LEAST_PAGE, _MOST_OF_PAGE = 600, 60_000
_LIMIT_TOLD = re.compile(
    r"(?:context (?:size|window|length)|n_ctx|maximum (?:prompt|input) length|tokens allowed|token limit"
    r"|max size|tokens >)[^0-9]{0,40}?([0-9][0-9,]{2,10})",
    re.IGNORECASE,
)
_SENT_TOLD = re.compile(
    r"(?:resulted in|requested|(?:request|input|count) \(|has|contains|too long:)"
    r"[^0-9]{0,20}([0-9][0-9,]{2,10})"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overhead:
    """Tokens of what is sent besides the turns, by estimate."""

    system: int
    tools: int


@dataclass(slots=True)
class ModelInUse:
    """The model that is asked, with its title: `window` in tokens, `answer` the most of an answer if that is
    set."""

    title: str
    service: ChatCompletionClientBase
    window: int
    answer: int | None = None

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
    """The budget of one conversation. Turns and notes are those of `state.transcript`.

    `changed` is called when the note or the use of the window has changed.
    """

    def __init__(
        self,
        state: ConversationState,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._changed = changed
        self._clock = clock
        self._sent = 0
        self._page = 0
        self._smaller: int | None = None

    async def prepared(self, model: ModelInUse, overhead: Overhead) -> list[ChatMessageContent]:
        """Return the turns to send, without the system message. Older ones go into a note if they must.

        Raises:
            TooLongError: the person's last message, or the tools, are too long by themselves.
        """
        limit = self._limit(model, overhead)
        if limit <= 0:
            raise TooLongError("tools")
        found = self._fitted(model, limit, hard=False)
        if found is None and (cut := self._cut(limit)):
            await self._write_note(model, cut, int(model.room / self._state.context.ratio))
            found = self._fitted(model, limit, hard=False)
        found = found or self._fitted(model, limit, hard=True)
        if found is None:
            raise TooLongError("message")
        self._sent = found.tokens + overhead.system + overhead.tools
        self._page = limit // _PAGE
        context = self._state.context
        context.window, context.shortened = model.window, found.shortened
        context.used = round(self._sent * context.ratio)
        return found.turns

    @property
    def looks_back(self) -> bool:
        """Whether the model is not sent everything, so that it needs a way to look back."""
        return self._state.context.shortened > 0 or self._state.transcript.note is not None

    @property
    def page(self) -> int:
        """How many characters the model gets at a time when it looks back."""
        return min(max(self._page * 3, _LEAST_PAGE), _MOST_OF_PAGE)

    def reported(self, model: ModelInUse, tokens: int | None) -> None:
        """Learn from the tokens that a model reports to have read."""
        context = self._state.context
        if tokens and self._sent:
            ratio = min(max(tokens / self._sent, _LEAST_RATIO), _MOST_RATIO)
            context.ratio, context.used = max(ratio, (context.ratio + ratio) / 2), tokens
        context.window = model.window
        self._changed()

    def refused(self, model: ModelInUse, message: str) -> None:
        """Learn from a refusal that says that a request was too long: the next one is smaller, and so is the
        window: what the refusal says, else what was sent, if that was much of it."""
        context = self._state.context
        sent_tokens = int(self._sent * context.ratio)
        found = _number(_LIMIT_TOLD, message)
        learned = found or (sent_tokens if sent_tokens > model.window // 2 else None)
        if learned is not None and _LEAST_WINDOW <= learned < model.window:
            model.window = learned
        if found and (sent := _number(_SENT_TOLD, message)) and self._sent and sent > found:
            context.ratio = min(max(sent / self._sent, context.ratio), _MOST_RATIO)
        self._smaller = int(self._sent * _SMALLER)

    def _limit(self, model: ModelInUse, overhead: Overhead) -> int:
        """Return the tokens that turns may have, by estimate; after a refusal fewer, once."""
        room = int(model.room / self._state.context.ratio)
        if self._smaller is not None:
            room, self._smaller = min(room, self._smaller), None
        return room - overhead.system - overhead.tools

    def _fitted(self, model: ModelInUse, limit: int, *, hard: bool) -> Fitted | None:
        transcript = self._state.transcript
        note, turns = transcript.note, transcript.turns
        begin = note.turns if note is not None else int(_begins_with_system(turns))
        places = [place for place in range(begin, len(turns)) if not is_left_out(turns[place])]
        head = [] if note is None else [_note_turn(note)]
        left = limit - tokens_of_turns(head)
        whole = [turns[place] for place in places]
        counted = whole if model.wants_thoughts else list(map(without_thought, whole))
        found = fitted(counted, places, transcript.question, left, hard=hard)
        if found is None:
            return None
        unchanged = dict(zip(map(id, counted), whole, strict=True))  # with thoughts, should it ask for them
        sent = [unchanged.get(id(turn), turn) for turn in found.turns]
        return Fitted([*head, *sent], found.tokens + limit - left, found.shortened)

    def _cut(self, limit: int) -> int:
        """Return the place of the first turn that stays out of a note; 0 if nothing older is there."""
        transcript = self._state.transcript
        begin = transcript.note.turns if transcript.note is not None else 1
        starts = [p for p in exchanges(transcript.turns) if begin < p <= transcript.question]
        kept, cut = 0, 0
        for place in reversed(starts):
            end = cut or len(transcript.turns)
            kept += sum(map(_least_tokens, transcript.turns[place:end]))
            if cut and kept > limit * _KEEP:
                break
            cut = place
        return cut

    async def _write_note(self, model: ModelInUse, cut: int, room: int) -> None:
        """Put everything before a place into the note. One that was put together without the model is not
        built upon: the model reads anew what it stood for."""
        transcript = self._state.transcript
        before = transcript.written_note
        turns = transcript.turns[before.turns if before is not None else 0 : cut]
        said, size = before.text if before is not None else "", min(int(room * _NOTE), _MOST_OF_NOTE)
        writer: str | None = model.title
        try:
            text = await written_note(model.service, said, turns, limit=room, size=size)
        except Exception as error:  # noqa: BLE001 - an error of the model must not end the chat
            _log.warning("the model wrote no note (%s); it is put together", type(error).__name__)
            text, writer = put_together(said, turns, size), None
        covered = self._messages_before(cut)
        transcript.notes.append(Note(text, cut, len(covered), covered[-1], self._clock(), writer))
        self._changed()

    def _messages_before(self, cut: int) -> list[str]:
        """Return the ids of the messages to which the turns before a place belong."""
        ids = [message.message_id for message in self._state.messages]
        said = (message_of(turn) for turn in self._state.transcript.turns[cut:])
        end = next((ids.index(found) for found in said if found in ids), len(ids))
        return ids[: max(end, 1)]


def _note_turn(note: Note) -> ChatMessageContent:
    return ChatMessageContent(role=AuthorRole.USER, content=f"{NOTE_HEAD}\n{note.text}")


def _least_tokens(turn: ChatMessageContent) -> int:
    """Return what a turn has once it is as short as it can be: what was said is never cut, results are."""
    tokens = tokens_of_turn(without_thought(turn))
    return min(tokens, _SHORT) if turn.role == AuthorRole.TOOL else tokens


def _begins_with_system(turns: Sequence[ChatMessageContent]) -> bool:
    return bool(turns) and turns[0].role == AuthorRole.SYSTEM


def _number(pattern: re.Pattern[str], message: str) -> int | None:
    found = pattern.search(message)
    return int(found[1].replace(",", "")) if found else None
