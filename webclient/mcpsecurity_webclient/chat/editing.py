"""Changes earlier messages: one is edited or deleted, an answer written again or marked. Each is another
version."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TypeVar

from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.branches import Fork, begin_version, open_version, undo_version
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.inbox import WORDLESS, Inbox, composed
from mcpsecurity_webclient.chat.locales import UNKNOWN, PersonLocale
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Message
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.views import Feedback
from mcpsecurity_webclient.errors import NothingToDoError, UnknownRequestError
from mcpsecurity_webclient.telemetry import count_feedback


@dataclass(frozen=True)
class Kept:
    """What stays of the files and attachments of a message that is edited, counted from 0. None: all of
    them."""

    files: Sequence[int] | None = None
    attachments: Sequence[int] | None = None


ALL = Kept()
T = TypeVar("T")


class Editing:
    """Edits the messages of one conversation. Replaced messages stay as a version that can be opened
    again.

    Every method may raise `BusyError`, because an answer is being written, and `StoreError`: then nothing
    has changed.
    """

    def __init__(
        self,
        state: ConversationState,
        servers: McpServers,
        inbox: Inbox,
        runs: Runs,
        saver: ConversationSaver,
        publish: Publish,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._servers = servers
        self._inbox = inbox
        self._runs = runs
        self._saver = saver
        self._publish = publish
        self._clock = clock

    async def edit(
        self,
        message_id: str,
        text: str,
        *,
        kept: Kept = ALL,
        request_id: str | None = None,
        locale: PersonLocale = UNKNOWN,
    ) -> tuple[str, str]:
        """Say something else in the place of a message; return the ids of run and message.

        Raises:
            UnknownRequestError: there is no such message, or it is one of an older release that cannot be
            found, or it has no such file or attachment.
            BridgeError: a server does not give an attachment any more.
        """
        said, _ = self._said(message_id)
        self._inbox.must_be_idle()
        new_id = self._inbox.message_id(request_id)
        attachments = _chosen(said.attachments or [], kept.attachments)
        files = _chosen(said.files or [], kept.files)
        edited, turns = await composed(self._servers, new_id, text, attachments, None)
        edited.files = files or None
        async with self._inbox.saving():
            said, after = self._said(message_id)  # another tab may have changed it meanwhile
            contents = _chosen(self._state.transcript.files_of(said), kept.files)
            fork = begin_version(self._state.forks, after, self._state.parts)
            edited.at, self._state.locale = self._clock(), locale
            with self._undone(fork):
                await self._inbox.take(edited, [*contents, *(turns or [WORDLESS])])
        self._tell(after)
        return self._runs.start("message"), new_id

    async def delete(self, message_id: str) -> None:
        """Remove a message and all after it from the conversation. Raises `UnknownRequestError` as
        `edit`."""
        _, after = self._said(message_id)
        async with self._inbox.saving():
            await self._keep(begin_version(self._state.forks, after, self._state.parts))
        self._tell(after)

    async def open(self, after: str | None, number: int) -> None:
        """Open a version, counted from 1, of the messages after one (None: of all messages).

        Raises:
            UnknownRequestError: there is no such version.
        """
        fork = next((known for known in self._state.forks if known.after == after), None)
        if fork is None or (after is not None and self._place(after) is None):
            raise UnknownRequestError
        async with self._inbox.saving():
            before = fork.open
            open_version(fork, number - 1, self._state.parts)
            self._state.updated_at = self._clock()
            with undone_on_failure(lambda: open_version(fork, before, self._state.parts)):
                await self._saver.save()
        self._tell(after)

    async def regenerate(self) -> str:
        """Write another answer to the last message; the one that is there stays as a version. Return the
        run's id.

        Raises:
            NothingToDoError: there is no message yet.
        """
        last = next((said for said in reversed(self._state.messages) if said.role == "user"), None)
        if last is None:
            raise NothingToDoError
        self._inbox.must_be_idle()
        if self._state.messages[-1] is not last:
            with suppress(UnknownRequestError):  # of an older release: its answer is replaced
                async with self._inbox.saving():
                    await self._keep(begin_version(self._state.forks, last.message_id, self._state.parts))
                self._tell(last.message_id)
        return self._runs.again("regenerate", settled=False)

    async def rate(self, message_id: str, feedback: Feedback | None) -> None:
        """Keep what the person thinks of an answer. Raises `UnknownRequestError`: there is no such answer."""
        place = self._place(message_id)
        if place is None or self._state.messages[place].role != "assistant":
            raise UnknownRequestError
        message = self._state.messages[place]
        before, message.feedback = message.feedback, feedback
        with undone_on_failure(lambda: setattr(message, "feedback", before)):
            await self._saver.save()
        if feedback is not None and feedback != before:
            count_feedback(feedback, message.model)
        self._publish("message.feedback", {"message_id": message_id, "feedback": feedback})

    async def _keep(self, fork: Fork) -> None:
        self._state.updated_at = self._clock()
        with self._undone(fork):
            await self._saver.save()

    def _undone(self, fork: Fork) -> AbstractContextManager[None]:
        """Take a new version back if the block fails."""
        return undone_on_failure(lambda: undo_version(self._state.forks, fork, self._state.parts))

    def _place(self, message_id: str) -> int | None:
        ids = [message.message_id for message in self._state.messages]
        return ids.index(message_id) if message_id in ids else None

    def _said(self, message_id: str) -> tuple[Message, str | None]:
        """Return a message of the person, and the id of the message before it."""
        place = self._place(message_id)
        if place is None or self._state.messages[place].role != "user":
            raise UnknownRequestError
        return self._state.messages[place], self._state.messages[place - 1].message_id if place else None

    def _tell(self, after: str | None) -> None:
        """Tell the pages which messages follow one now."""
        begin = (self._place(after) or 0) + 1 if after is not None else 0
        messages = self._state.messages[begin:]
        shown = {call_id for message in messages for call_id in message.calls}
        self._publish(
            "branch.changed",
            {
                "after": after,
                "messages": [message.to_json() for message in messages],
                "calls": [call.to_json() for key, call in self._state.calls.items() if key in shown],
                "forks": self._state.forks_json(),
            },
        )
        self._publish("context.changed", {"context": self._state.context_json()})


def _chosen(items: Sequence[T], numbers: Sequence[int] | None) -> list[T]:
    """Return those of `items` that stay, in their order. Raises `UnknownRequestError`: there is no such
    one."""
    if numbers is not None and any(number >= len(items) for number in numbers):
        raise UnknownRequestError
    return [item for number, item in enumerate(items) if numbers is None or number in numbers]
