"""A browser without a screen: cookies, redirects, CSRF token, commands and event streams of one person."""

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http.cookies import Morsel
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from tests.webclient.events import EventStream, open_stream
from yarl import URL

from mcpsecurity.runtime.exact_decimals import loads

if TYPE_CHECKING:
    from multidict import CIMultiDict

__all__ = ["Answer", "Visitor"]

_LONGEST_LINE = 2**24  # of a snapshot
TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is the JSON, or the text of a page."""

    status: int
    body: Any
    headers: "CIMultiDict[str]"

    @property
    def error(self) -> Any:
        """The error of a refused command."""
        return self.body["error"]

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers["Location"]


class Visitor:
    """One browser of one person, to be entered. `url` is where the chat says it is."""

    def __init__(self, url: str, user: str) -> None:
        self.url = url
        self.user = user
        self.chat_id = ""
        self.csrf = ""
        self.pages: list[str] = []
        self.http = aiohttp.ClientSession(timeout=TIMEOUT, read_bufsize=_LONGEST_LINE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    @property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The cookies of this browser by name."""
        return {morsel.key: morsel for morsel in self.http.cookie_jar}

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request and follow no redirect; `path` may be a whole URL."""
        url = path if path.startswith("http") else self.url + path
        async with self.http.request(
            method, URL(url, encoded=True), allow_redirects=False, **options
        ) as response:
            text = await response.text()
            self.pages.append(text)
            body = await response.json(loads=loads) if response.content_type == "application/json" else text
            return Answer(response.status, body, response.headers.copy())

    async def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return await self.request("GET", path, **options)

    async def begin(self, path: str = "/signin") -> str:
        """Begin a sign-in and return where Entra ID is."""
        answer = await self.get(path)
        assert answer.status == 302, answer.body
        return answer.location

    async def consent(self, authorize: str, **changes: str) -> str:
        """Go to Entra ID, where the person is signed in, and return where it sends the browser."""
        query = {"prompt": "none", "login_hint": self.user} | changes
        answer = await self.get(str(URL(authorize, encoded=True).update_query(query)))
        assert answer.status == 302, answer.body
        return answer.location

    async def sign_in(self, path: str = "/signin", **changes: str) -> Self:
        """Sign in, and open the page that comes then."""
        answer = await self.get(await self.consent(await self.begin(path), **changes))
        assert answer.status == 302, answer.body
        await self.open(answer.location)
        return self

    async def open(self, path: str = "/") -> str:
        """Open the page of a conversation, and be on it from now on; return its HTML."""
        answer = await self.get(path)
        assert answer.status == 200, (answer.status, answer.body)
        self.csrf = _found(r'name="csrf-token" content="([^"]+)"', answer.body)
        self.chat_id = _found(r'data-chat-id="([^"]+)"', answer.body)
        return str(answer.body)

    async def command(self, path: str, body: Any = None, **options: Any) -> Answer:
        """Send a command as the page does: below the conversation, or from the root with a leading slash."""
        headers = {"Origin": self.url, "X-CSRF-Token": self.csrf} | options.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        target = path if path.startswith("/") else f"/api/chats/{self.chat_id}/{path}"
        payload = {} if "data" in options else {"json": body if body is not None else {}}
        return await self.request("POST", target, headers=headers, **payload, **options)

    async def ask(self, text: str, **more: Any) -> str:
        """Send a message and return the run's id."""
        answer = await self.command("messages", {"text": text, **more})
        assert answer.status == 202, answer.body
        return str(answer.body["run_id"])

    async def decide(self, call: dict[str, Any], decision: str, **more: Any) -> Answer:
        """Decide a call."""
        body = {"decision": decision, "args_hash": call["args_hash"], **more}
        return await self.command(f"calls/{call['call_id']}/decision", body)

    async def new_chat(self) -> str:
        """Begin a conversation, be on its page, and return its id."""
        answer = await self.command("/api/chats")
        assert answer.status == 201, answer.body
        await self.open(f"/chats/{answer.body['chat_id']}")
        return self.chat_id

    async def sign_out(self) -> Answer:
        """Sign out as the page's form does."""
        data = {"csrf_token": self.csrf}
        return await self.request("POST", "/signout", data=data, headers={"Origin": self.url})

    def stream(self, last_event_id: str | None = None) -> AbstractAsyncContextManager[EventStream]:
        """Follow the conversation."""
        return open_stream(self.http, f"{self.url}/api/chats/{self.chat_id}/events", last_event_id)

    async def snapshot(self) -> dict[str, Any]:
        """Return what a page that opens now is told."""
        async with self.stream() as stream:
            return await stream.until("snapshot")


def _found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match is not None, page
    return match[1]
