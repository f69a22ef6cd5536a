"""Takes the person's messages. Each is saved before the pages show it as taken."""

import asyncio
import logging
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from typing import Any

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity.client import BridgeError
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.files import MOST_BYTES, AttachedFile, picture_of, turn_of
from mcpsecurity_webclient.chat.locales import UNKNOWN, PersonLocale
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Message, QueuedMessage
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import UNTITLED, ConversationState
from mcpsecurity_webclient.errors import BusyError, InvalidArgumentsError, StoreError, UnknownRequestError
from mcpsecurity_webclient.languages import gettext as _

_log = logging.getLogger(__name__)
_TITLE = 60
_MOST_QUEUED = 10

WORDLESS = ("user", "[The person sent this without words.]")
"""Stands after files alone, as only text before the person's words is shortened if need be."""

Turns = list[tuple[str, str] | ChatMessageContent]
"""Role and text of each turn, or the turn itself."""


class Inbox:
    """Takes the messages of one conversation, and begins their answers. `sees` tells whether the model
    that answers sees pictures."""

    def __init__(
        self,
        state: ConversationState,
        servers: McpServers,
        runs: Runs,
        saver: ConversationSaver,
        publish: Publish,
        *,
        sees: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._servers = servers
        self._runs = runs
        self._saver = saver
        self._publish = publish
        self._sees = sees
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
        """Take a person's message and start answering; return the ids of run and message.

        A repeated `request_id` means the message that was taken with it before, by this or another process;
        the run is None if its answer has ended. With `queue`, a message that comes while an answer is being
        written waits for its end; it has no run yet.

        Raises:
            BusyError: an answer is being written.
            InvalidArgumentsError: a picture for a model that sees none, or too much that waits.
            BridgeError: a prompt or an attachment cannot be read.
            StoreError: the message cannot be saved, and was not taken.
        """
        message_id = self.message_id(request_id)
        if not self._taking and any(said.message_id == message_id for said in self._state.messages):
            return self._run_of(message_id), message_id
        if any(waiting.message_id == message_id for waiting in self._state.queue):
            return None, message_id
        said = QueuedMessage(
            message_id=message_id, text=text, attachments=attachments, prompt=prompt, files=tuple(files)
        )
        if queue and self._state.run is not None:
            await self._enqueue(said)
            return None, message_id
        self.must_be_idle()
        self._state.locale = locale
        return await self._begin(said), message_id

    async def take_back(self, message_id: str) -> None:
        """Remove a message that waits.

        Raises:
            UnknownRequestError: no such message waits (any more).
            StoreError: that cannot be saved; the message waits still.
        """
        with self._without(self._waiting(message_id)):
            await self._saver.save()
        self._tell_queue()

    async def send_now(self, message_id: str) -> str:
        """Send a message that waits although no answer is being written, as after one that failed; return
        the run's id.

        Raises:
            UnknownRequestError: no such message waits (any more).
            BusyError, BridgeError, InvalidArgumentsError, StoreError: as for `begin`; the message waits
                still.
        """
        waiting = self._waiting(message_id)
        self.must_be_idle()
        return await self._begin(waiting)

    def file(self, message_id: str, number: int) -> AttachedFile:
        """Return a file of a message that waits, counted from 0, or a picture of one that was sent.

        Raises:
            UnknownRequestError: there is no such message or file.
        """
        waiting = next((said for said in self._state.queue if said.message_id == message_id), None)
        said = next((said for said in self._state.messages if said.message_id == message_id), None)
        if waiting is not None and number < len(waiting.files):
            return waiting.files[number]
        turns = self._state.transcript.files_of(said) if said is not None else []
        file = picture_of(turns[number]) if number < len(turns) else None
        if file is None:
            raise UnknownRequestError
        return file

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
        """Stop sending messages."""
        if self._sending is not None:
            await end_tasks(self._sending)

    async def _begin(self, said: QueuedMessage) -> str:
        self._check_pictures(said)
        waited = said in self._state.queue
        message, turns = await composed(
            self._servers, said.message_id, said.text, said.attachments, said.prompt, said.files
        )
        async with self.saving():
            if waited and said not in self._state.queue:
                raise UnknownRequestError  # it was taken back meanwhile
            message.at = self._clock()
            untitled = self._state.title
            with self._without(said), self._titled_after(message):
                await self.take(message, turns)
        if waited:
            self._tell_queue()
        self._publish("message.added", {"message": message.to_json()})
        if self._state.title != untitled:
            self._publish("title.changed", {"title": self._state.title})
        return self._runs.start("message")

    async def _send_next(self) -> None:
        """Send the first message that waits; one that cannot be sent stays, and the person gets a notice."""
        while self._state.queue:
            try:
                await self._begin(self._state.queue[0])
            except UnknownRequestError:
                continue
            except BusyError:
                return
            except (BridgeError, InvalidArgumentsError, StoreError) as error:
                _log.warning("a message that waited is not sent: %s", type(error).__name__)
                text = _("Your next message could not be sent. It still waits.")
                self._publish(
                    "toast", {"level": "warning", "code": "queue", "message": text, "retryable": False}
                )
            return

    async def _enqueue(self, said: QueuedMessage) -> None:
        self._check_pictures(said)
        if len(self._state.queue) >= _MOST_QUEUED:
            raise BusyError
        if sum(file.size for other in (*self._state.queue, said) for file in other.files) > MOST_BYTES:
            raise InvalidArgumentsError(
                {"files": _("The files of messages that wait have at most 4 MiB together.")}
            )
        self._state.queue.append(said)
        with undone_on_failure(lambda: self._drop(said)):
            await self._saver.save()
        self._tell_queue()
        if not self.busy:  # the answer has ended meanwhile
            self.send_next()

    def _check_pictures(self, said: QueuedMessage) -> None:
        if any(file.is_picture for file in said.files) and not self._sees():
            raise InvalidArgumentsError(
                {"files": _("This model does not see pictures. Choose another model.")}
            )

    @contextmanager
    def _without(self, said: QueuedMessage) -> Iterator[None]:
        """Take a message out of the queue, if it waits; it is back in its place if the block fails."""
        place = self._drop(said)
        with undone_on_failure(lambda: self._state.queue.insert(place, said) if place is not None else None):
            yield

    def _drop(self, said: QueuedMessage) -> int | None:
        """Remove a message from the queue; return where it was."""
        place = next((n for n, other in enumerate(self._state.queue) if other is said), None)
        if place is not None:
            del self._state.queue[place]
        return place

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

    @contextmanager
    def _titled_after(self, said: Message) -> Iterator[None]:
        """Name a conversation without a title after its first message; it has none again if the
        block fails."""
        names = [said.text, *(file["name"] for file in said.files or ())]
        line = " ".join(next(filter(None, names), "").split())
        before = self._state.title
        if before == UNTITLED and line:
            self._state.title = line if len(line) <= _TITLE else line[: _TITLE - 1] + "…"
        with undone_on_failure(lambda: setattr(self._state, "title", before)):
            yield


def message_id_of(chat_id: str, request_id: str) -> str:
    """Return the id of the message that a request sends: the same in every process that gets the request."""
    named = f"{chat_id} {request_id}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(sha256(named).digest()[:9]).decode()


async def composed(
    servers: McpServers,
    message_id: str,
    text: str,
    attachments: list[dict[str, str]] | None,
    prompt: dict[str, Any] | None,
    files: Sequence[AttachedFile] = (),
) -> tuple[Message, Turns]:
    """Return the message and its turns: first the files, then the attached resources, then the prompt, then
    the text.

    Raises:
        BridgeError: a server does not give the prompt or an attachment.
    """
    messages = [("user", text)] if text else []
    if prompt is not None:
        messages = [*await servers.prompt_messages(prompt), *messages]
    contents = [
        await servers.resource_text(attached["server"], attached["uri"]) for attached in attachments or ()
    ]
    said = Message(
        message_id=message_id,
        role="user",
        text="\n\n".join(content for role, content in messages if role == "user"),
        attachments=[{**a, "name": a.get("name", a["uri"])} for a in attachments] if attachments else None,
        files=[file.to_json() for file in files] or None,
        prompt={"server": prompt["server"], "name": prompt["name"]} if prompt else None,
    )
    attached: Turns = [*map(turn_of, files), *(("user", content) for content in contents)]
    if attached and not messages:
        messages = [WORDLESS]
    return said, [*attached, *messages]
