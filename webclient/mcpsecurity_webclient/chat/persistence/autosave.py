"""Saves one conversation: at once where that is promised, and half a second after any other change."""

import asyncio
import logging
import secrets

from mcpsecurity_webclient.chat.events import EventBus
from mcpsecurity_webclient.chat.persistence.serialization import captured
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import StaleConversationError, StoreError, StoreUnavailableError
from mcpsecurity_webclient.store import Conversation, ConversationStore, Owner

_log = logging.getLogger(__name__)
_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_LAST_TRY = 5.0


class ConversationSaver:
    """Saves `state` as a conversation of `owner`, with the place of its last event in `events`.

    `pause` is how long a scheduled save waits, in seconds. It is `stale` when another process has changed or
    deleted the conversation: nothing is saved any more.
    """

    def __init__(
        self,
        store: ConversationStore,
        owner: Owner,
        state: ConversationState,
        events: EventBus,
        *,
        pause: float = _PAUSE,
    ) -> None:
        self._store = store
        self._owner = owner
        self._state = state
        self._events = events
        self._pause = pause
        self._revision = 0
        self._writer = secrets.token_urlsafe(12)
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._dirty = False
        self._closed = False
        self.stale = False

    def begin_at(self, revision: int) -> None:
        """Continue from a stored revision."""
        self._revision = revision

    async def claim(self, kept: Conversation) -> None:
        """Take a stored conversation over: the store refuses further saves of the process before.

        Raises:
            StoreError: it was changed since it was loaded, or cannot be reached.
        """
        self._revision = await self._store.claim(self._owner, kept, self._writer)

    async def check(self, chat_id: str) -> None:
        """Set `stale` if another process has changed or deleted the conversation.

        Raises:
            StoreError: the store cannot be read.
        """
        async with self._lock:
            if self._revision and not (self._closed or self.stale):
                current = await self._store.is_current(self._owner, chat_id, self._revision, self._writer)
                self.stale = not current

    def schedule(self) -> None:
        """Save after a pause. While that fails it is tried again, at least every five seconds."""
        self._dirty = True
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._later(), name="keep a conversation")

    async def save(self) -> None:
        """Save the conversation as it is now. Calls that wait at the same time share one save, which is
        completed even if they are cancelled.

        Raises:
            StoreError: the conversation is not saved.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._save(), name="save a conversation")
            self._next.add_done_callback(_seen)
        await asyncio.shield(self._next)

    async def _save(self) -> None:
        async with self._lock:
            self._next = None  # what changes from here on needs another turn
            if self._closed or self.stale:
                raise StaleConversationError("this conversation is no longer saved here")
            conversation = captured(self._state, self._revision, self._writer, self._events.mark())
            self._dirty, saved = False, False
            try:
                self._revision = await self._store.save(self._owner, conversation)
                saved = True
            except StaleConversationError:
                self.stale = True
                raise
            finally:
                self._dirty = self._dirty or not saved

    async def aclose(self) -> None:
        """Save the last changes, trying for a few seconds, and stop."""
        if self._closed:
            return
        if self._dirty and not self.stale:
            try:
                async with asyncio.timeout(_LAST_TRY):
                    await self.save()
            except (StoreError, TimeoutError):
                _log.warning("the last changes of a conversation are not saved")
        self._close()

    async def delete(self, chat_id: str) -> None:
        """Delete the conversation and stop saving it.

        Raises:
            StoreError: the conversation is not deleted.
        """
        async with self._lock:
            await self._store.delete(self._owner, chat_id)
            self._close()

    def _close(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    async def _later(self) -> None:
        pause = self._pause
        try:
            while self._dirty and not (self._closed or self.stale):
                await asyncio.sleep(pause)
                pause = self._pause if await self._saved() else min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._task = None

    async def _saved(self) -> bool:
        try:
            if self._dirty:  # not saved meanwhile
                await self.save()
        except StaleConversationError:
            _log.warning("another process has changed a conversation; the changes of this one are not saved")
            return False
        except StoreUnavailableError:
            return False
        except Exception as error:  # noqa: BLE001 - the task's boundary: the next try may succeed
            _log.error("saving a conversation failed", exc_info=error)
            return False
        return True


def _seen(task: asyncio.Task[None]) -> None:
    """Retrieve a save's error, which asyncio would report if no caller awaits it any more."""
    if not task.cancelled():
        task.exception()
