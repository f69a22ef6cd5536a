"""Takes the person's messages: each is saved before a page is told that it was taken."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcpsecurity.client import BridgeError
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.files import AttachedFile
from mcpsecurity_webclient.chat.locales import UNKNOWN, PersonLocale
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Message, QueuedMessage
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.approvals import Publish
from mcpsecurity_webclient.chat.user_message import Turns, composed, message_id_of
from mcpsecurity_webclient.errors import BusyError, StoreError, UnknownRequestError
from mcpsecurity_webclient.languages import gettext as _

__all__ = ["Inbox"]

_log = logging.getLogger(__name__)
_TITLE = 60
_MOST_QUEUED = 10


class Inbox:
    """Takes the messages of one conversation, and begins their answers."""

    def __init__(
        self,
        state: ConversationState,
        servers: McpServers,
        runs: Runs,
        saver: ConversationSaver,
        publish: Publish,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._servers = servers
        self._runs = runs
        self._saver = saver
        self._publish = publish
        self._clock = clock
        self._taking = False  # something is being saved that the next message depends on
        self._sending: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is being written, or a message is being taken."""
        return self._state.run is not None or self._taking

    async def begin(
        self,
        text: str,
        *,
        attachments: list[dict[str, str]] | None = None,
        prompt: dict[str, Any] | None = None,
        files: Sequence[AttachedFile] = (),
        request_id: str | None = None,
        locale: PersonLocale = UNKNOWN,
        queue: bool = False,
    ) -> tuple[str | None, str]:
        """Take a person's message and start answering; see `ChatService.begin`."""
        message_id = self.message_id(request_id)
        if not self._taking and any(said.message_id == message_id for said in self._state.messages):
            return self._run_of(message_id), message_id
        if any(waiting.message_id == message_id for waiting in self._state.queue):
            return None, message_id
        said = QueuedMessage(message_id=message_id, text=text, attachments=attachments, prompt=prompt)
        if queue and self._state.run is not None and not files:
            await self._enqueue(said)
            return None, message_id
        self.must_be_idle()
        self._state.locale = locale
        return await self._begin(said, files), message_id

    async def take_back(self, message_id: str) -> None:
        """Remove a message that waits.

        Raises:
            UnknownRequestError: no such message waits (any more).
            StoreError: that cannot be saved; the message waits still.
        """
        waiting = self._waiting(message_id)
        await self._change_queue([said for said in self._state.queue if said is not waiting])

    async def send_now(self, message_id: str) -> str:
        """Send a message that waits although no answer is being written, as after one that failed; return
        the run's id.

        Raises:
            UnknownRequestError: no such message waits (any more).
            BusyError, BridgeError, StoreError: as for `begin`; the message waits still.
        """
        waiting = self._waiting(message_id)
        self.must_be_idle()
        return await self._begin(waiting)

    def send_next(self) -> None:
        """Send the message that has waited longest, in the background."""
        if self._state.queue and not self._state.leaving and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._send_next(), name="send the next message")

    async def take(self, said: Message, turns: Turns) -> None:
        """Add a message of the person: it is saved when this returns, and removed again if that fails. The
        caller holds `saving`."""
        transcript = self._state.transcript
        marks, length = transcript.marks(), len(transcript.turns)
        transcript.ask(turns, said.message_id)
        self._state.messages.append(said)
        self._state.updated_at = self._clock()
        with (
            undone_on_failure(lambda: transcript.undo(marks, length)),
            undone_on_failure(lambda: self._state.messages.remove(said)),
        ):
            await self._saver.save()

    @asynccontextmanager
    async def saving(self) -> AsyncIterator[None]:
        """Take no other message meanwhile. Raises `BusyError` if the conversation is busy."""
        self.must_be_idle()
        self._taking = True
        try:
            yield
        finally:
            self._taking = False

    def message_id(self, request_id: str | None) -> str:
        """Return the id of the message that a request sends."""
        return message_id_of(self._state.chat_id, request_id or secrets.token_urlsafe(9))

    def rename(self, title: str) -> None:
        """Give the conversation another title."""
        self._state.title = title[:_TITLE]
        self._publish("title.changed", {"title": self._state.title})

    def must_be_idle(self) -> None:
        """Raise `BusyError` if the conversation is busy."""
        if self.busy:
            raise BusyError

    async def aclose(self) -> None:
        """Send no message any more."""
        if self._sending is not None:
            await end_tasks(self._sending)

    async def _begin(self, waiting: QueuedMessage, files: Sequence[AttachedFile] = ()) -> str:
        said, turns = await composed(
            self._servers, waiting.message_id, waiting.text, waiting.attachments, waiting.prompt, files
        )
        async with self.saving():
            said.at = self._clock()
            before = list(self._state.queue)
            self._state.queue = [other for other in before if other.message_id != said.message_id]
            with undone_on_failure(lambda: setattr(self._state, "queue", before)):
                await self.take(said, turns)
        if len(before) != len(self._state.queue):
            self._tell_queue()
        self._publish("message.added", {"message": said.to_json()})
        self._take_title(said.text)
        return self._runs.start("message")

    async def _send_next(self) -> None:
        """Send the first message that waits; one that cannot be sent waits on, and the person is told."""
        try:
            await self._begin(self._state.queue[0])
        except BusyError:
            return
        except (BridgeError, StoreError) as error:
            _log.warning("a message that waited is not sent: %s", type(error).__name__)
            text = _("Your next message could not be sent. It still waits.")
            self._publish("toast", {"level": "warning", "code": "queue", "message": text, "retryable": False})

    async def _enqueue(self, said: QueuedMessage) -> None:
        if len(self._state.queue) >= _MOST_QUEUED:
            raise BusyError
        await self._change_queue([*self._state.queue, said])
        if not self.busy:  # the answer has ended meanwhile
            self.send_next()

    async def _change_queue(self, queue: list[QueuedMessage]) -> None:
        before, self._state.queue = self._state.queue, queue
        with undone_on_failure(lambda: setattr(self._state, "queue", before)):
            await self._saver.save()
        self._tell_queue()

    def _tell_queue(self) -> None:
        self._publish("queue.changed", {"queue": [said.to_json() for said in self._state.queue]})

    def _waiting(self, message_id: str) -> QueuedMessage:
        found = next((said for said in self._state.queue if said.message_id == message_id), None)
        if found is None:
            raise UnknownRequestError
        return found

    def _run_of(self, message_id: str) -> str | None:
        """Return the run that answers a message; the last message gets one if it has none."""
        run = self._state.run
        if run is None and self._state.messages[-1].message_id == message_id:
            return self._runs.start("message")
        return run.run_id if run is not None else None

    def _take_title(self, text: str) -> None:
        if sum(message.role == "user" for message in self._state.messages) == 1 and text:
            line = " ".join(text.split())
            self.rename(line if len(line) <= _TITLE else line[: _TITLE - 1] + "…")
