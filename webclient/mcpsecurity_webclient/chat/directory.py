"""The conversations of all people. Each is found only by its owner."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

from mcpsecurity_webclient.auth.person import Person
from mcpsecurity_webclient.chat.conversation import ChatService, owner_of
from mcpsecurity_webclient.chat.state import UNTITLED
from mcpsecurity_webclient.errors import (
    StaleConversationError,
    StoreError,
    StoreUnavailableError,
    TooManyChatsError,
)
from mcpsecurity_webclient.store import Conversation, ConversationStore, Entry

_IDLE_SECONDS = 12 * 3600.0
_EMPTY_SECONDS = 24 * 3600.0
_PURGE_SECONDS = 600.0
_LOADS = 3


MakeChat = Callable[[str, Person], ChatService]
"""Makes a conversation of an id for a person."""


class ChatDirectory:
    """Conversations by person: the same in each of a person's browsers, and hidden from everyone else.

    All are in `store`; those in use are open here, too. `make` makes a conversation. `limit` is how many a
    person can have open; the least recently used one is closed for another. `max_runs` is how many answers
    are written for a person at a time. A conversation is deleted after `retention` seconds without use (None:
    never), and its connections to servers are closed after `idle_after`."""

    def __init__(
        self,
        make: MakeChat,
        store: ConversationStore,
        *,
        limit: int,
        max_runs: int = 10,
        retention: float | None = None,
        idle_after: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._make = make
        self._store = store
        self._limit = limit
        self._max_runs = max_runs
        self._retention = retention
        self._idle_after = idle_after
        self._clock = clock
        self._purged_at = float("-inf")
        self._chats: dict[str, dict[str, ChatService]] = {}
        self._sessions: dict[str, set[str]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def entries(self, person: Person, search: str | None = None) -> list[Entry]:
        """Return a person's conversations in which something was said, pinned ones first, then the latest.
        With `search` only those that contain it.

        Raises:
            StoreError: the store cannot be read.
        """
        kept = await self._store.entries(owner_of(person), search)
        opened = self._chats.get(person.key, {})
        entries = {entry.chat_id: entry for entry in kept}
        for id_, chat in opened.items():
            begun = chat.state.messages or chat.state.title != UNTITLED
            if id_ in entries or (begun and not search):
                state, snippet = chat.state, entries[id_].snippet if id_ in entries else ""
                entries[id_] = Entry(
                    id_,
                    state.title,
                    state.updated_at,
                    state.pinned,
                    snippet,
                    chat.waiting,
                    state.run is not None,
                )
        return sorted(entries.values(), key=lambda entry: (entry.pinned, entry.updated_at), reverse=True)

    def tell_pages(self, chat: ChatService) -> None:
        """Tell the pages that show other conversations of the person that the list has changed. Those of
        `chat` know by its own events."""
        for other in self._chats.get(chat.acting.key, {}).values():
            if other is not chat:
                other.events.tell_all("chats.changed", {})

    async def latest(self, person: Person) -> ChatService:
        """Return the latest conversation of a person that is open or was used since the sign-in, or a new
        one."""
        if opened := self._opened(person):
            return opened[0]
        kept = await self._store.entries(owner_of(person))
        last = max(kept, key=lambda entry: entry.updated_at, default=None)
        if last is not None and last.updated_at >= person.since:
            found = await self.find(person, last.chat_id)
            if found is not None:
                return found
        return await self.create(person)

    async def find(self, person: Person, chat_id: str) -> ChatService | None:
        """Return a person's conversation; None if the id is unknown or belongs to another person.

        Raises:
            StoreError: the store cannot be read.
        """
        chat = self._chats.get(person.key, {}).get(chat_id)
        if chat is None or chat.saver.stale:
            async with self._lock(person.key):
                chat = await self._open(person, chat_id)
        if chat is not None:
            self._sessions.setdefault(person.key, set()).add(person.sid)
        return chat

    async def create(self, person: Person) -> ChatService:
        """Create a conversation.

        Raises:
            TooManyChatsError: too many are open, and each of them is at work.
            StoreError: it cannot be saved.
        """
        async with self._lock(person.key):
            chat = await self._add(person, secrets.token_urlsafe(12), None)
            await chat.saver.save()  # so that a page that shows it finds it after a restart
            return chat

    async def delete(self, person: Person, chat: ChatService) -> None:
        """Delete a conversation and end its run and its requests.

        Raises:
            StoreError: it is not deleted.
        """
        async with self._lock(person.key):
            self._chats.get(person.key, {}).pop(chat.chat_id, None)
            await chat.aclose()
            await chat.saver.delete(chat.chat_id)
            await chat.events.discard()
        self.tell_pages(chat)

    @asynccontextmanager
    async def leaving_server(self, person: Person, name: str) -> AsyncIterator[None]:
        """Close the connections to a server that act for the person's session. In the block the session
        forgets its tokens; after it the connections show what the server is without."""
        chats = self._chats.get(person.key, {}).values()
        named = (chat.servers.named(name) for chat in list(chats) if chat.sid == person.sid)
        servers = [server for server in named if server is not None]
        await asyncio.gather(*(server.leave() for server in servers))
        try:
            yield
        finally:
            await asyncio.gather(*(server.leave() for server in servers))  # what was opened meanwhile
            for server in servers:
                server.look()

    async def end_session(self, sid: str, *, signed_out: bool) -> None:
        """End what runs for a session; when the person has signed out of the last one, close the
        conversations."""
        for key, sids in list(self._sessions.items()):
            if sid not in sids:
                continue
            sids.discard(sid)
            chats = list(self._chats.get(key, {}).values())
            gone = signed_out and not sids
            if gone:
                self._chats.pop(key, None)
            if not sids:
                del self._sessions[key]
            await asyncio.gather(*(_close_and_tidy(c) if gone else c.end_session(sid) for c in chats))

    async def sweep(self) -> None:
        """Evict idle conversations, close them after half a day, and delete those past the retention."""
        now = self._clock()
        for key, chats in list(self._chats.items()):
            for chat in list(chats.values()):
                if chat.state.updated_at < now - _IDLE_SECONDS and chat.state.run is None:
                    del chats[chat.chat_id]
                    await _close_and_tidy(chat)
                elif chat.state.updated_at < now - self._idle_after:
                    await chat.evict_idle()
            if not chats:
                del self._chats[key]
        if now >= self._purged_at + _PURGE_SECONDS:
            before = now - self._retention if self._retention is not None else float("-inf")
            await self._store.purge(before, empty_before=now - _EMPTY_SECONDS)
            self._purged_at = now

    async def aclose(self, grace: float = 0.0) -> None:
        """Close all conversations, because the process ends; answers get `grace` seconds to end by
        themselves. Requests to a person stay open for the next process."""
        chats = [chat for chats in self._chats.values() for chat in chats.values()]
        await asyncio.gather(*(chat.finish(grace) for chat in chats))
        self._chats.clear()
        await asyncio.gather(*(chat.leave() for chat in chats))

    def may_run(self, person: Person) -> bool:
        """Tell whether one more answer may be written for a person now."""
        running = sum(chat.state.run is not None for chat in self._chats.get(person.key, {}).values())
        return running < self._max_runs

    def opened(self) -> list[ChatService]:
        """Return all conversations that are open here. Safe to call in any thread."""
        return [chat for chats in list(self._chats.values()) for chat in list(chats.values())]

    def in_use(self) -> list[str]:
        """Return the keys of the people whose conversations are open here."""
        return list(self._chats)

    async def unload(self, key: str) -> None:
        """Close a person's conversations here, because another replica serves the person now."""
        chats = self._chats.pop(key, {})
        self._sessions.pop(key, None)
        await asyncio.gather(*(_hand_over(chat) for chat in chats.values()))

    async def recheck(self, key: str) -> None:
        """Close those of a person's conversations that another replica has changed while it served the
        person.

        Raises:
            StoreError: the store cannot be read.
        """
        async with self._lock(key):
            chats = self._chats.get(key, {})
            for chat in list(chats.values()):
                await chat.saver.check(chat.chat_id)
                if chat.saver.stale and chats.pop(chat.chat_id, None) is not None:
                    await _hand_over(chat)

    def _opened(self, person: Person) -> list[ChatService]:
        chats = self._chats.get(person.key, {}).values()
        return sorted(chats, key=lambda chat: chat.state.updated_at, reverse=True)

    async def _open(self, person: Person, chat_id: str) -> ChatService | None:
        """Return the conversation, from the store when it is not open. The lock is held."""
        chats = self._chats.get(person.key, {})
        if (chat := chats.get(chat_id)) is not None:
            if not chat.saver.stale:
                return chat
            del chats[chat_id]
            await _hand_over(chat)
        for _ in range(_LOADS):
            kept = await self._store.load(owner_of(person), chat_id)
            try:
                return None if kept is None else await self._add(person, chat_id, kept)
            except StaleConversationError:  # another process has saved it meanwhile
                continue
        raise StoreUnavailableError("this conversation is being used by another process")

    async def _add(self, person: Person, chat_id: str, kept: Conversation | None) -> ChatService:
        opened = self._opened(person)
        if len(opened) >= self._limit:
            idle = [chat for chat in opened if chat.state.run is None]
            if not idle:
                raise TooManyChatsError
            del self._chats[person.key][idle[-1].chat_id]
            await idle[-1].aclose()
        chat = self._make(chat_id, person)
        if kept is not None:
            try:
                await chat.restore(kept)
            except BaseException:
                chat.saver.stale = True  # a half restored conversation must not be saved
                await _hand_over(chat)
                raise
        await chat.grants.load()
        self._chats.setdefault(person.key, {})[chat_id] = chat
        self._sessions.setdefault(person.key, set()).add(person.sid)
        return chat

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())


async def _hand_over(chat: ChatService) -> None:
    """Close a conversation that another process has taken over; its pages reconnect there."""
    chat.events.close()
    await chat.leave()


async def _close_and_tidy(chat: ChatService) -> None:
    """Close a conversation, and delete it if it is empty: no version of it has messages."""
    await chat.aclose()
    if not chat.state.messages and not chat.state.forks:
        with suppress(StoreError):  # the purge deletes it later
            await chat.saver.delete(chat.chat_id)
