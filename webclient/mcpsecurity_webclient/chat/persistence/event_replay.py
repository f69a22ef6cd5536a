"""What pages have heard and the store has not: a conversation is brought to where its last event left it.

The store holds a conversation with the mark of its last event then; the log has the events after it. They are
applied here as a page applies them, so that pages that come back and pages that open now see the same.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from semantic_kernel.contents import AuthorRole, ChatMessageContent

from mcpsecurity_webclient.chat.event_types import EventName, EventPayload
from mcpsecurity_webclient.chat.events import ChatEvent
from mcpsecurity_webclient.chat.markdown import to_html
from mcpsecurity_webclient.chat.models import INTERRUPTED, ApprovalMode, Message
from mcpsecurity_webclient.chat.persistence.serialization import UnderWay
from mcpsecurity_webclient.chat.tools.calls import ToolCalls, ended_payload
from mcpsecurity_webclient.chat.transcript import Transcript
from mcpsecurity_webclient.errors import ReplayMismatchError

__all__ = ["EventReplayer"]

Publish = Callable[[EventName, str | None, EventPayload], None]


class Chat(Protocol):
    """The conversation, as it was kept."""

    title: str
    messages: list[Message]
    desk: ToolCalls


class EventReplayer:
    """Applies events to a conversation, and knows what pages believe to be under way.

    `transcript` is what the model reads.
    """

    def __init__(self, chat: Chat, transcript: Transcript, under_way: UnderWay, run_id: str | None) -> None:
        self._chat = chat
        self._transcript = transcript
        self._run_id = run_id
        self._unfinished = under_way.message_id
        self._calls = set(under_way.calls)
        self._spoken: list[ChatMessageContent] = []
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
            "title.changed": self._title,
            "grants.changed": self._grants,
        }

    def apply(self, event: ChatEvent) -> None:
        """Apply an event.

        Raises:
            ReplayMismatchError: the store is of another mind.
        """
        handler = self._handlers.get(event.name)
        if handler is not None:
            handler(json.loads(event.data))

    def end(self, publish: Publish, *, goes_on: bool) -> None:
        """End what was under way, and tell it; if the answer `goes_on`, it is not ended."""
        if (message := self._closed_message()) is not None:
            publish("message.done", self._run_id, {"message": message.to_json()})
        self._write_down()
        ended = [c for call_id, c in self._chat.desk.calls.items() if call_id in self._calls]
        for call in ended:
            if call.status != "proposed":
                publish("tool.done", self._run_id, ended_payload(call))
        if self._run_id is not None and not goes_on:
            publish("run.done", self._run_id, {"status": "failed", "error": INTERRUPTED.to_json()})

    def _closed_message(self) -> Message | None:
        """End the message that was being written. What it says is in what the model reads, too."""
        message = self._message(self._unfinished) if self._unfinished is not None else None
        if message is not None:
            message.finish_reason, message.html = "stopped", to_html(message.text)
            self._take_turn(message)
        return message

    def _write_down(self) -> None:
        """Put what was said into what the model reads."""
        self._transcript.turns.extend(self._spoken)
        self._spoken.clear()

    def _take_turn(self, message: Message) -> None:
        if message.text and not message.calls:  # one with calls was kept with what the model reads
            self._spoken.append(ChatMessageContent(role=AuthorRole.ASSISTANT, content=message.text))

    def _message(self, message_id: str) -> Message | None:
        return next((m for m in self._chat.messages if m.message_id == message_id), None)

    def _must_have(self, payload: dict[str, Any]) -> None:
        if self._message(payload["message"]["message_id"]) is None:
            raise ReplayMismatchError("message.added")

    def _delta(self, payload: dict[str, Any]) -> None:
        message = self._message(payload["message_id"])
        if message is None:
            message = Message(message_id=payload["message_id"], role="assistant", at=payload["at"])
            self._chat.messages.append(message)
        if payload["offset"] > len(message.text):
            raise ReplayMismatchError("message.delta")
        message.text = message.text[: payload["offset"]] + payload["text"]
        self._unfinished = message.message_id

    def _done(self, payload: dict[str, Any]) -> None:
        done = payload["message"]
        message = self._message(done["message_id"])
        if message is None and not done["calls"] and done.get("text") == "":  # it ended without a word
            message = Message(message_id=done["message_id"], role="assistant", at=done["at"])
            self._chat.messages.append(message)
        if message is None or message.calls != done["calls"]:
            raise ReplayMismatchError("message.done")
        message.text, message.html = done["text"], done["html"]
        message.finish_reason, message.usage = done.get("finish_reason"), done.get("usage")
        self._unfinished = None
        self._take_turn(message)

    def _run_started(self, payload: dict[str, Any]) -> None:
        self._run_id = payload["run_id"]
        settled = payload["trigger"] == "retry"
        if (settled or payload["trigger"] == "regenerate") and self._chat.messages:
            desk = self._chat.desk
            desk.forget(self._transcript.drop_answer(self._chat.messages, desk.calls, settled=settled))
            self._spoken.clear()
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
        if payload["call"]["call_id"] not in self._chat.desk.calls:
            raise ReplayMismatchError("tool.proposed")
        self._calls.add(payload["call"]["call_id"])

    def _decided(self, payload: dict[str, Any]) -> None:
        call = self._chat.desk.calls.get(payload["call_id"])
        if call is None:
            raise ReplayMismatchError("tool.decided")
        if call.status == "proposed" and payload["decision"] == "declined":
            call.status, call.decided_by = "declined", payload["by"]
            call.reason = payload.get("reason")

    def _call_done(self, payload: dict[str, Any]) -> None:
        call = self._chat.desk.calls.get(payload["call_id"])
        if call is None:
            raise ReplayMismatchError("tool.done")
        call.status, call.content = payload["status"], payload["content"] or None
        call.structured, call.truncated = payload.get("structured"), payload["truncated"]
        call.duration_ms, call.unasked = payload["duration_ms"], payload.get("unasked")
        self._calls.discard(call.call_id)

    def _mode(self, payload: dict[str, Any]) -> None:
        self._chat.desk.mode = ApprovalMode(payload["mode"])

    def _title(self, payload: dict[str, Any]) -> None:
        self._chat.title = payload["title"]

    def _grants(self, payload: dict[str, Any]) -> None:
        """Take back what was revoked; what was given was saved before it was told."""
        left = {(grant["server"], grant["tool"]) for grant in payload["grants"]}
        if left - self._chat.desk.grants.keys():
            raise ReplayMismatchError("grants.changed")
        for which in self._chat.desk.grants.keys() - left:
            del self._chat.desk.grants[which]
