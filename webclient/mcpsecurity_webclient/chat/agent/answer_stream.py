"""An answer while it is being written: rendered as HTML and published to the pages."""

import asyncio
import secrets
import time
from collections.abc import Callable

from mcpsecurity_webclient.chat.agent.model_answer import Completion
from mcpsecurity_webclient.chat.event_types import MessageDelta, Publish
from mcpsecurity_webclient.chat.markdown import MarkdownStream, to_html
from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall, Run
from mcpsecurity_webclient.chat.state import ConversationState

_PAUSE, _LONGEST_PAUSE = 0.1, 0.3
"""Seconds between two deltas: words arrive faster than a person reads, and each delta costs a rendering."""
_RENDERED = 8_000
"""Characters of an unfinished block that lengthen the pause by a second: each delta renders all of them."""


class AnswerWriter:
    """Writes the messages of one run.

    A message joins the conversation with its first text or call. One without either joins it when it ends,
    and its `finish_reason` says why it is empty.
    """

    def __init__(
        self,
        run: Run,
        state: ConversationState,
        publish: Publish,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._state = state
        self._publish = publish
        self._clock = clock
        self._message: Message | None = None
        self._markdown = MarkdownStream()
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> str:
        """Begin a message and return its id."""
        self._run.asked_at = self._clock()
        self._markdown = MarkdownStream()
        self._message = Message(message_id=secrets.token_urlsafe(9), role="assistant", at=self._clock())
        self._run.message_id = self._message.message_id
        return self._message.message_id

    def text(self, piece: str) -> None:
        """Add text. The first piece is published at once, later ones together after a short pause."""
        self._joined()
        self._waiting.append(piece)
        if self._timer is None:
            self._tell_and_pause()

    def reset(self) -> None:
        """Drop all text of the message: its end has shown that it was reasoning."""
        self._waiting.clear()
        message, self._markdown = self._message, MarkdownStream()
        if message is not None and message.text:
            message.text = message.stable = message.html = ""
            taken_back = MessageDelta(message_id=message.message_id, offset=0, text="", html="", reset=True)
            self._publish("message.delta", taken_back)

    def _tell_and_pause(self) -> None:
        self._timer = None
        if self._waiting:
            self._tell()
            pause = min(_PAUSE + self._markdown.unfinished / _RENDERED, _LONGEST_PAUSE)
            self._timer = asyncio.get_running_loop().call_later(pause, self._tell_and_pause)

    def _tell(self) -> None:
        """Publish what waits."""
        message, piece = self._joined(), "".join(self._waiting)
        self._waiting.clear()
        offset = len(self._markdown.text)
        rendered = self._markdown.add(piece)
        message.text = self._markdown.text
        message.stable, message.html = self._markdown.stable_html, rendered.html
        delta = MessageDelta(message_id=message.message_id, offset=offset, text=piece, html=rendered.html)
        if rendered.stable:
            delta["stable"] = rendered.stable
        self._publish("message.delta", delta)

    def _tell_all(self) -> None:
        """Publish the waiting text now, and end the pause."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._tell()

    def called(self, call: PendingFunctionCall) -> None:
        """Add a call to this message."""
        self._tell_all()
        self._joined().calls.append(call.call_id)

    def done(self, completion: Completion) -> None:
        """End the message with its finish reason, usage and model."""
        if completion.finish_reason != "tool_calls":
            self._joined()
        self._close(completion.finish_reason, completion.usage or None, completion.model)

    def broken_off(self, finish_reason: str) -> None:
        """End the message that is being written, if there is one, as it is: `stopped` or `broken_off`."""
        self._close(finish_reason, None)

    def _joined(self) -> Message:
        if self._message is None:
            raise RuntimeError("no message was begun")
        if self._message not in self._state.messages[-1:]:
            self._state.messages.append(self._message)
        return self._message

    def _close(
        self, finish_reason: str | None, usage: dict[str, int] | None, model: str | None = None
    ) -> None:
        self._tell_all()
        message, self._message = self._message, None
        if message is None or message not in self._state.messages[-1:]:
            return
        message.finish_reason, message.usage, message.model = finish_reason, usage, model
        message.stable, message.html = "", to_html(message.text)
        self._run.message_id = None
        self._publish("message.done", {"message": message.to_json()})
