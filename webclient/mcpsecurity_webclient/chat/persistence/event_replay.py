"""Replays the events that pages have received since a conversation was saved.

The store has a conversation with the number of its last event at that time; the event log has the later ones.
They are applied here as a page applies them, so that pages that reconnect and new pages show the same.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from semantic_kernel.contents import AuthorRole, ChatMessageContent

from mcpsecurity.runtime.exact_decimals import loads
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload
from mcpsecurity_webclient.chat.events import ChatEvent, EventBus
from mcpsecurity_webclient.chat.markdown import to_html
from mcpsecurity_webclient.chat.models import INTERRUPTED, ApprovalMode, Message
from mcpsecurity_webclient.chat.notes import Note
from mcpsecurity_webclient.chat.persistence.serialization import UnderWay, restore, under_way
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.calls import ended_payload
from mcpsecurity_webclient.errors import ReplayMismatchError
from mcpsecurity_webclient.store import Conversation

_log = logging.getLogger(__name__)

Publish = Callable[[EventName, str | None, EventPayload], None]


class EventReplayer:
    """Applies events to a conversation, and tracks what pages show as under way."""

    def __init__(self, state: ConversationState, under_way: UnderWay, run_id: str | None) -> None:
        self._state = state
        self._transcript = state.transcript
        self._run_id = run_id
        self._unfinished = under_way.message_id
        self._calls = set(under_way.calls)
        self._new_turns: list[ChatMessageContent] = []
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "message.added": self._must_have,
            "message.delta": self._delta,
            "message.done": self._done,
            "message.left_out": self._left_out,
            "run.started": self._run_started,
            "run.done": self._run_done,
            "tool.proposed": self._proposed,
            "tool.decided": self._decided,
            "tool.done": self._call_done,
            "mode.changed": self._mode,
            "model.changed": self._model,
            "context.changed": self._context,
            "title.changed": self._title,
            "grants.changed": self._grants,
            "branch.changed": self._branch,
            "queue.changed": self._queue,
            "message.feedback": self._feedback,
            "tools.changed": self._tools,
        }

    def apply(self, event: ChatEvent) -> None:
        """Apply an event.

        Raises:
            ReplayMismatchError: the event does not match the stored conversation.
        """
        handler = self._handlers.get(event.name)
        if handler is not None:
            handler(loads(event.data))

    def end(self, publish: Publish, *, goes_on: bool) -> None:
        """End unfinished messages and calls and publish that; with `goes_on` the run itself does not end."""
        if (message := self._closed_message()) is not None:
            publish("message.done", self._run_id, {"message": message.to_json()})
        self._write_down()
        ended = [c for call_id, c in self._state.calls.items() if call_id in self._calls]
        for call in ended:
            if call.status != "proposed":
                publish("tool.done", self._run_id, ended_payload(call))
        if self._run_id is not None and not goes_on:
            publish("run.done", self._run_id, {"status": "failed", "error": INTERRUPTED.to_json()})

    def _closed_message(self) -> Message | None:
        """End the message that was being written. The model reads its text, too."""
        message = self._message(self._unfinished) if self._unfinished is not None else None
        if message is not None:
            message.finish_reason, message.html = "stopped", to_html(message.text)
            self._take_turn(message)
        return message

    def _write_down(self) -> None:
        """Add the answers that were replayed to the turns that the model reads."""
        self._transcript.turns.extend(self._new_turns)
        self._new_turns.clear()

    def _take_turn(self, message: Message) -> None:
        if message.text and not message.calls:  # one with calls is among the model's turns already
            self._new_turns.append(ChatMessageContent(role=AuthorRole.ASSISTANT, content=message.text))

    def _message(self, message_id: str) -> Message | None:
        return next((m for m in self._state.messages if m.message_id == message_id), None)

    def _must_have(self, payload: dict[str, Any]) -> None:
        if self._message(payload["message"]["message_id"]) is None:
            raise ReplayMismatchError("message.added")

    def _delta(self, payload: dict[str, Any]) -> None:
        message = self._message(payload["message_id"])
        if message is None:
            message = Message(message_id=payload["message_id"], role="assistant", at=payload["at"])
            self._state.messages.append(message)
        if payload["offset"] > len(message.text):
            raise ReplayMismatchError("message.delta")
        message.text = message.text[: payload["offset"]] + payload["text"]
        self._unfinished = message.message_id

    def _done(self, payload: dict[str, Any]) -> None:
        done = payload["message"]
        message = self._message(done["message_id"])
        if message is None and not done["calls"] and done.get("text") == "":  # it ended without a word
            message = Message(message_id=done["message_id"], role="assistant", at=done["at"])
            self._state.messages.append(message)
        if message is None or message.calls != done["calls"]:
            raise ReplayMismatchError("message.done")
        message.text, message.html = done["text"], done["html"]
        message.finish_reason, message.usage = done.get("finish_reason"), done.get("usage")
        message.model = done.get("model")
        self._unfinished = None
        self._take_turn(message)

    def _run_started(self, payload: dict[str, Any]) -> None:
        self._run_id = payload["run_id"]
        settled = payload["trigger"] == "retry"
        if (settled or payload["trigger"] == "regenerate") and self._state.messages:
            self._state.drop_answer(settled=settled)
            self._new_turns.clear()
        elif payload["trigger"] == "continue":
            self._write_down()
            self._transcript.ask_to_go_on()

    def _left_out(self, payload: dict[str, Any]) -> None:
        message = self._message(payload["message_id"])
        if message is None:
            raise ReplayMismatchError("message.left_out")
        self._write_down()
        message.left_out = payload["reason"]
        if message.left_out:
            self._transcript.leave_out_question()
        else:
            self._transcript.take_question_back_in()

    def _run_done(self, _: dict[str, Any]) -> None:
        self._run_id = None

    def _proposed(self, payload: dict[str, Any]) -> None:
        if payload["call"]["call_id"] not in self._state.calls:
            raise ReplayMismatchError("tool.proposed")
        self._calls.add(payload["call"]["call_id"])

    def _decided(self, payload: dict[str, Any]) -> None:
        call = self._state.calls.get(payload["call_id"])
        if call is None:
            raise ReplayMismatchError("tool.decided")
        if call.status == "proposed" and payload["decision"] == "declined":
            call.status, call.decided_by = "declined", payload["by"]
            call.reason = payload.get("reason")

    def _call_done(self, payload: dict[str, Any]) -> None:
        call = self._state.calls.get(payload["call_id"])
        if call is None:
            raise ReplayMismatchError("tool.done")
        call.status, call.content = payload["status"], payload["content"] or None
        call.structured, call.truncated = payload.get("structured"), payload["truncated"]
        call.duration_ms, call.unasked = payload["duration_ms"], payload.get("unasked")
        call.refused = payload.get("refused")
        self._calls.discard(call.call_id)

    def _mode(self, payload: dict[str, Any]) -> None:
        self._state.mode = ApprovalMode(payload["mode"])

    def _model(self, payload: dict[str, Any]) -> None:
        self._state.model = payload["model"].get("instead_of") or payload["model"]["name"]

    def _context(self, payload: dict[str, Any]) -> None:
        view, context, notes = payload["context"], self._state.context, self._transcript.notes
        context.window, context.used, context.shortened = view["window"], view["used"], view["shortened"]
        context.guessed = view.get("guessed", False)
        note = Note.of(view["note"]) if "note" in view else None
        if note is not None and note.turns > len(self._transcript.turns):
            raise ReplayMismatchError("context.changed")
        if note is not None and note not in notes:
            notes.append(note)

    def _title(self, payload: dict[str, Any]) -> None:
        self._state.title = payload["title"]

    def _branch(self, payload: dict[str, Any]) -> None:
        """Another version was saved before it was told."""
        if self._state.forks_json() != payload["forks"]:
            raise ReplayMismatchError("branch.changed")

    def _queue(self, payload: dict[str, Any]) -> None:
        """The queue was saved before it was told."""
        if [message.to_json() for message in self._state.queue] != payload["queue"]:
            raise ReplayMismatchError("queue.changed")

    def _feedback(self, payload: dict[str, Any]) -> None:
        message = self._message(payload["message_id"])
        if message is None:
            raise ReplayMismatchError("message.feedback")
        message.feedback = payload["feedback"]

    def _tools(self, payload: dict[str, Any]) -> None:
        self._state.choice.off = {(off["server"], off.get("tool", "")) for off in payload["off"]}

    def _grants(self, payload: dict[str, Any]) -> None:
        """Remove revoked grants; given ones were saved before they were told."""
        left = {(g["server"], g["tool"]) for g in payload["grants"] if g.get("scope", "chat") == "chat"}
        if left - self._state.grants.keys():
            raise ReplayMismatchError("grants.changed")
        for which in self._state.grants.keys() - left:
            del self._state.grants[which]


def replayed(
    state: ConversationState, stored: Conversation, missed: Iterable[ChatEvent], events: EventBus
) -> EventReplayer:
    """Fill a state from a stored conversation and apply the events that pages have received since.

    If one does not match, `events` goes on in a new epoch, so that every page gets a snapshot.
    """
    restore(state, stored)
    replayer = EventReplayer(state, under_way(stored.parts), stored.state.get("run"))
    try:
        for event in missed:
            replayer.apply(event)
    except ReplayMismatchError as error:
        _log.warning("event %s does not match the stored conversation; pages get a snapshot", error)
        events.renew()
    return replayer
