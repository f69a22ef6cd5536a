"""A connection that dies without a word is noticed, said and replaced, and nothing is lost."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from playwright.async_api import BrowserContext, expect
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.stack import Service, Stack

from mcpsecurity_webclient.app import create_app

HEARS_A_SIGN_OF_LIFE = """
() => new Promise((done) => {
  const source = new EventSource(`/api/chats/${document.body.dataset.chatId}/events`);
  source.addEventListener("alive", () => { source.close(); done(); });
})
"""
"""The page's own stream, which is older and as silent, has heard one before: it knows how often they come."""


class Proxy:
    """Stands before the chat. What it has once dropped stays open and is silent for ever."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._open = set[asyncio.Task[None]]()
        self._alive = set[asyncio.Task[None]]()
        self.is_down = False

    def drop(self) -> None:
        """Forward nothing more on the connections that there are, and do not close them."""
        self._alive.clear()

    async def end(self) -> None:
        """Close every connection, those that were dropped as well."""
        ending = list(self._open)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection of the browser."""
        there, back = await asyncio.open_connection("127.0.0.1", self._behind)
        key = asyncio.current_task()
        assert key is not None
        self._open.add(key)
        if not self.is_down:
            self._alive.add(key)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(key, reader, back))
                both.create_task(self._pump(key, there, writer))
        finally:
            self._open.discard(key)
            self._alive.discard(key)
            for end in (writer, back):
                end.close()

    async def _pump(
        self, key: "asyncio.Task[None]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if key in self._alive:
                    writer.write(data)
                    await writer.drain()
        if key in self._alive:
            writer.close()


@asynccontextmanager
async def standing_before(port: int) -> AsyncIterator[tuple[Proxy, str]]:
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.carry, "127.0.0.1", 0)
    try:
        yield proxy, f"http://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await proxy.end()


@pytest.fixture
async def behind_proxy(context: BrowserContext, stack: Stack) -> AsyncIterator[tuple[Person, Proxy]]:
    """Alice at a chat that says twice a second that it is there, with a proxy between."""
    address = ""
    service = Service(lambda: create_app(stack.web_settings(url=address), keep_alive=0.5))
    async with standing_before(service.port) as (proxy, url):
        address = url
        stack.cloud.register_webclient_url(url)
        await service.start()
        person = await Person(await context.new_page(), url).sign_in()
        yield person, proxy
        await person.page.close()
        await service.stop()


async def test_a_stream_that_dies_silently_is_said_and_replaced_and_loses_nothing(
    behind_proxy: tuple[Person, Proxy], stack: Stack
) -> None:
    alice, proxy = behind_proxy
    connection = alice.page.locator("#connection")
    await alice.ask("Run a marathon")
    await alice.approve("run_marathon")
    await expect(alice.call("run_marathon")).to_contain_text("25%")
    await alice.page.evaluate(HEARS_A_SIGN_OF_LIFE)
    proxy.is_down = True
    proxy.drop()
    stack.playground.proceed.set()
    await expect(connection).to_contain_text("Connection lost")
    await check_in_every_look(connection.get_by_text("Connection lost"))
    proxy.is_down = False
    await alice.says("The marathon is over")
    await expect(connection).not_to_contain_text(re.compile("lost", re.IGNORECASE))
    await expect(alice.calls("run_marathon")).to_have_count(1)
