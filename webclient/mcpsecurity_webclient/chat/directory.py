"""Everybody's conversations, each found only by the person whose it is."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from mcpsecurity_webclient.access import Person
from mcpsecurity_webclient.chat.service import ChatService

__all__ = ["ChatDirectory", "TooManyChatsError"]

_KEPT_SECONDS = 12 * 3600.0


class TooManyChatsError(Exception):
    """The person has as many conversations as are allowed, and each of them is at work."""


class MakeChat(Protocol):
    """Makes a conversation of a person."""

    def __call__(self, chat_id: str, person: Person) -> ChatService: ...


class ChatDirectory:
    """Conversations by person: the same in each of her browsers, and for nobody else.

    `limit` is how many a person can have; the longest unused one gives way.
    """

    def __init__(self, make: MakeChat, *, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._make = make
        self._limit = limit
        self._clock = clock
        self._chats: dict[str, dict[str, ChatService]] = {}
        self._sessions: dict[str, set[str]] = {}

    def of(self, person: Person) -> list[ChatService]:
        """Return a person's conversations, the latest first."""
        self._sessions.setdefault(person.key, set()).add(person.sid)
        chats = self._chats.get(person.key, {}).values()
        return sorted(chats, key=lambda chat: chat.updated_at, reverse=True)

    def find(self, person: Person, chat_id: str) -> ChatService | None:
        """Return a person's conversation; None if there is none of that id, or it is another's."""
        self._sessions.setdefault(person.key, set()).add(person.sid)
        return self._chats.get(person.key, {}).get(chat_id)

    async def create(self, person: Person) -> ChatService:
        """Begin a conversation.

        Raises:
            TooManyChatsError: no conversation could give way.
        """
        chats = self.of(person)
        if len(chats) >= self._limit:
            idle = [chat for chat in chats if chat.run is None]
            if not idle:
                raise TooManyChatsError
            await self.delete(person, idle[-1])
        chat = self._make(secrets.token_urlsafe(12), person)
        self._chats.setdefault(person.key, {})[chat.chat_id] = chat
        return chat

    async def delete(self, person: Person, chat: ChatService) -> None:
        """Forget a conversation and end what is open in it."""
        self._chats.get(person.key, {}).pop(chat.chat_id, None)
        await chat.aclose()

    async def end_session(self, sid: str, *, signed_out: bool) -> None:
        """End what a session holds open; when the person has signed out everywhere, forget her
        conversations."""
        for key, sids in list(self._sessions.items()):
            if sid not in sids:
                continue
            sids.discard(sid)
            chats = list(self._chats.get(key, {}).values())
            gone = signed_out and not sids
            if gone:
                del self._chats[key]
            if not sids:
                del self._sessions[key]
            await asyncio.gather(*(c.aclose() if gone else c.end_session(sid) for c in chats))

    async def sweep(self) -> None:
        """Forget conversations that nobody has used for half a day."""
        too_old = self._clock() - _KEPT_SECONDS
        for key, chats in list(self._chats.items()):
            for chat in list(chats.values()):
                if chat.updated_at < too_old and chat.run is None:
                    del chats[chat.chat_id]
                    await chat.aclose()
            if not chats:
                del self._chats[key]

    async def aclose(self) -> None:
        """End all conversations, because the process ends."""
        chats = [chat for chats in self._chats.values() for chat in chats.values()]
        self._chats.clear()
        await asyncio.gather(*(chat.aclose() for chat in chats))
