"""Keeps one conversation in the store: at once where that is promised, soon after all other changes."""

import asyncio
import logging
import secrets
from collections.abc import Callable

from mcpsecurity_webclient.errors import StaleConversationError, StoreError, StoreUnavailableError
from mcpsecurity_webclient.store import Conversation, ConversationStore, Owner

__all__ = ["ConversationSaver"]

_log = logging.getLogger(__name__)
_SOON = 0.5
_LONGEST_PAUSE = 30.0
_LAST_TRY = 5.0

Capture = Callable[[int, str], Conversation]
"""Returns a conversation as it is now, with the given revision and writer."""


class ConversationSaver:
    """Saves what `capture` returns as a conversation of `owner`. `pause` is what "soon" means, in seconds."""

    def __init__(
        self, store: ConversationStore, owner: Owner, capture: Capture, *, pause: float = _SOON
    ) -> None:
        self._store = store
        self._owner = owner
        self._capture = capture
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
        """Go on with what is kept under this revision."""
        self._revision = revision

    async def claim(self, kept: Conversation) -> None:
        """Go on with what is kept, and refuse what whoever had it before saves from now on.

        Raises:
            StoreError: it was changed since it was loaded, or cannot be reached.
        """
        self._revision = await self._store.claim(self._owner, kept, self._writer)

    async def check(self, chat_id: str) -> None:
        """Find out whether somebody else has changed or deleted the conversation; then it is `stale`.

        Raises:
            StoreError: it cannot be found out.
        """
        async with self._lock:
            if self._revision and not (self._closed or self.stale):
                current = await self._store.is_current(self._owner, chat_id, self._revision, self._writer)
                self.stale = not current

    def soon(self) -> None:
        """Save within a moment; with a database that is away, as soon as it is back."""
        self._dirty = True
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._later(), name="keep a conversation")

    async def save(self) -> None:
        """Save now; what is there when this is called is kept when it returns. Whoever waits for the same
        turn shares it, and it comes to its end although nobody waits any more.

        Raises:
            StoreError: it is not kept.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._save(), name="save a conversation")
            self._next.add_done_callback(_seen)
        await asyncio.shield(self._next)

    async def _save(self) -> None:
        async with self._lock:
            self._next = None  # what changes from here on needs another turn
            if self._closed or self.stale:
                raise StaleConversationError("this conversation is not kept any more")
            conversation = self._capture(self._revision, self._writer)
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
        """Save what is not saved yet, if that can be done in a few seconds, and stop."""
        if self._closed:
            return
        if self._dirty and not self.stale:
            try:
                async with asyncio.timeout(_LAST_TRY):
                    await self.save()
            except (StoreError, TimeoutError):
                _log.warning("the last changes of a conversation are not kept")
        self._close()

    async def delete(self, chat_id: str) -> None:
        """Delete the conversation, and save it never again.

        Raises:
            StoreError: it is still there.
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
            while self._dirty:
                await asyncio.sleep(pause)
                try:
                    await self.save()
                    pause = self._pause
                except StoreUnavailableError:
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except StoreError:
            _log.warning("a conversation was changed elsewhere; what was changed here is not kept")
        finally:
            self._task = None


def _seen(task: asyncio.Task[None]) -> None:
    """Look at how a save ended: if nobody waits for it any more, nobody else does."""
    if not task.cancelled():
        task.exception()
