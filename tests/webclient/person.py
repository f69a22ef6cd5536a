"""A signed-in person without a browser: the requests that her page makes."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
from yarl import URL

from mcpsecurity.runtime.tls import client_ssl_context

__all__ = ["Page", "WebPerson"]

_SECONDS = 40.0
Event = dict[str, Any]


class Page:
    """One open page: the events of a conversation, as they come."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.snapshot: Event = {}
        self.last_id = ""
        self.seen: list[tuple[str, Event]] = []
        self.ids: list[str] = []
        self.patience = _SECONDS

    async def next(self) -> tuple[str, Event]:
        """Return the name and the payload of the next event, past signs of life, which have no id."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(self.patience):
            while line := (await self._response.content.readline()).decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name and name != ":":
                    fields[name] = value
                elif "id" in fields:
                    break
                elif not name:
                    fields.clear()
        if "id" not in fields:
            raise EOFError
        self.last_id = fields["id"]
        self.ids.append(self.last_id)
        self.seen.append((fields["event"], json.loads(fields["data"])))
        return self.seen[-1]

    async def until(self, name: str, **wanted: Any) -> Event:
        """Return the payload of the next event of that name with those values."""
        before = len(self.seen)
        try:
            while True:
                event, data = await self.next()
                if event == name and wanted.items() <= data.items():
                    return data
        except TimeoutError as error:
            came = [event for event, _ in self.seen[before:]]
            raise TimeoutError(f"{name} {wanted or ''} did not come, only {came}") from error


class WebPerson:
    """A person at the chat at `url`, known by the cookies of one browser."""

    def __init__(self, url: str, ca_file: Path) -> None:
        self.url = url
        connector = aiohttp.TCPConnector(ssl=client_ssl_context(ca_file), limit=0)
        self.http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.CookieJar())
        self.csrf = self.chat_id = self.oid = self.name = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def sign_in(self, user: str = "alice@contoso.example") -> Self:
        """Go through the tenant's sign-in, where the person is signed in already, and open `/`."""
        async with self.http.get(f"{self.url}/signin", allow_redirects=False) as response:
            location = URL(response.headers["Location"])
        asked = location.update_query(prompt="none", login_hint=user)
        async with self.http.get(asked) as response:
            assert response.status == 200, await response.text()
            self._take(await response.text())
        return self

    async def open(self, path: str = "/") -> int:
        """Load a page of the chat; return its status."""
        async with self.http.get(f"{self.url}{path}") as response:
            if response.status == 200:
                self._take(await response.text())
            return response.status

    async def command(self, path: str, **body: Any) -> tuple[int, Any]:
        """Send a command for the open conversation, or for the path if it begins with `/`."""
        url = f"{self.url}{path}" if path.startswith("/") else f"{self.url}/api/chats/{self.chat_id}/{path}"
        headers = {"X-CSRF-Token": self.csrf, "Origin": self.url, "Content-Type": "application/json"}
        data = io.BytesIO(json.dumps(body).encode())  # aiohttp warns of a long text
        async with self.http.post(url, data=data, headers=headers) as response:
            return response.status, await response.json()

    async def new_chat(self) -> str:
        """Begin a conversation and go on with it."""
        status, body = await self.command("/api/chats")
        assert status == 201, body
        self.chat_id = body["chat_id"]
        return self.chat_id

    async def read(self, path: str) -> tuple[int, Any]:
        """Return the status and the JSON at a path."""
        async with self.http.get(f"{self.url}{path}") as response:
            return response.status, await response.json(content_type=None)

    @asynccontextmanager
    async def page(self, chat_id: str | None = None, last_id: str | None = None) -> AsyncIterator[Page]:
        """Follow a conversation; without `last_id` the snapshot is read already."""
        url = f"{self.url}/api/chats/{chat_id or self.chat_id}/events"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with self.http.get(url, timeout=timeout, headers=headers) as response:
            assert response.status == 200, await response.text()
            page = Page(response)
            if last_id is None:
                page.snapshot = await page.until("snapshot")
            yield page

    async def ask(self, page: Page, text: str) -> Event:
        """Send a message and return the call that the model proposes."""
        status, body = await self.command("messages", text=text)
        assert status == 202, body
        return dict((await page.until("tool.proposed"))["call"])

    async def decide(self, call: Event, decision: str = "approve", **more: Any) -> int:
        """Decide a call; return the command's status."""
        path = f"calls/{call['call_id']}/decision"
        status, _ = await self.command(path, decision=decision, args_hash=call["args_hash"], **more)
        return status

    def _take(self, page: str) -> None:
        token, chat = (
            re.search(r'csrf-token" content="([^"]+)', page),
            re.search(r'data-chat-id="([^"]+)', page),
        )
        assert token is not None, page[:2000]
        assert chat is not None, page[:2000]
        self.csrf, self.chat_id = token[1], chat[1]
