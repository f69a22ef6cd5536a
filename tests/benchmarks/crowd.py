"""Many people who chat at once: each signs in, follows a conversation, asks, and checks all that comes."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.directory import User

__all__ = ["Guest", "Seen", "chat_at_once", "crowd"]


@dataclass
class Seen:
    """What all guests saw: seconds to the first words of each answer, and how many answers and events."""

    first_words: list[float] = field(default_factory=list)
    answers: int = 0
    events: int = 0


class Guest:
    """One person with one open page."""

    def __init__(self, visitor: Visitor, stream: EventStream) -> None:
        self.visitor = visitor
        self._stream = stream
        self._last = -1

    async def ask(self, seen: Seen) -> None:
        """Ask, and read the answer to its end; every event has to be this chat's, and the next in order."""
        text = f"hello, this is {secrets.token_hex(8)}"
        begun = time.perf_counter()
        await self.visitor.ask(text)
        first = 0.0
        while True:
            event = await self._stream.next()
            seen.events += 1
            number = int(event.id.rpartition("-")[2])
            assert event.data["chat_id"] == self.visitor.chat_id, "an event of somebody else's"
            assert self._last < 0 or number == self._last + 1, "an event was lost"
            self._last = number
            if event.name == "message.added":
                assert event.data["message"]["text"] == text
            elif event.name == "message.delta" and not first:
                first = time.perf_counter() - begun
            elif event.name == "run.done":
                break
        assert event.data["status"] == "completed", event.data
        self._stream.events.clear()
        self.visitor.pages.clear()
        seen.first_words.append(first)
        seen.answers += 1


@asynccontextmanager
async def crowd(cloud: LocalCloud, url: str, people: int, *, at_once: int = 8) -> AsyncIterator[list[Guest]]:
    """Sign in that many people, whom the tenant did not know before, and open a page for each."""
    async with AsyncExitStack() as opened:
        gate = asyncio.Semaphore(at_once)

        async def enter() -> Guest:
            async with gate:
                visitor = await opened.enter_async_context(Visitor(url, _registered(cloud)))
                await visitor.sign_in()
                stream = await opened.enter_async_context(visitor.stream())
                await stream.until("snapshot")
                return Guest(visitor, stream)

        yield await asyncio.gather(*(enter() for _ in range(people)))


async def chat_at_once(guests: list[Guest], *, messages: int, think: float) -> Seen:
    """Let everybody ask that often, with a pause of `think` seconds on average before each."""
    seen, chance = Seen(), random.Random(7)  # noqa: S311 - the same pauses each time

    async def talk(guest: Guest) -> None:
        for _ in range(messages):
            await asyncio.sleep(chance.uniform(0, 2 * think))
            await guest.ask(seen)

    await asyncio.gather(*(talk(guest) for guest in guests))
    return seen


def _registered(cloud: LocalCloud) -> str:
    name = f"guest-{secrets.token_hex(6)}@contoso.example"
    oid = f"10ca1c10-0d00-4000-8000-{secrets.token_hex(6)}"
    cloud.tenant.directory.users[name] = User(name.partition("@")[0], name, oid, home_oid=oid)
    return name
