"""A person at the chat: what she sees and does, by the roles and names that the design promises."""

import datetime as dt
import re

from playwright.async_api import Locator, Page, expect
from tests.support.eventually import eventually

__all__ = ["ALICE", "BOB", "Person", "soon"]

ALICE = "alice@contoso.example"
BOB = "bob@contoso.example"


class Person:
    """One tab of one person."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.message = page.get_by_role("textbox", name="Message", exact=True)
        self.send = page.get_by_role("button", name="Send", exact=True)
        self.stop = page.get_by_role("button", name="Stop", exact=True)
        self.mode = page.get_by_role("combobox", name="Approval mode", exact=True)
        self.conversation = page.get_by_role("log", name="Chat")
        self.notices = page.get_by_role("list", name="Notices")
        self.answers = self.conversation.locator(".message.assistant .prose:visible")

    async def sign_in(self, user: str = ALICE) -> "Person":
        """Go to the chat and through the tenant's login page, as a browser does."""
        await self.page.goto(self.url)
        await self.page.get_by_role("button", name=user).click()
        await self.ready()
        return self

    async def sign_in_again(self, user: str = ALICE) -> None:
        """Choose the account, unless the tenant still knows who it is, and wait for the chat."""
        choice = self.page.get_by_role("button", name=user).and_(self.page.locator(":not(#account)"))
        await expect(choice.or_(self.message)).to_be_visible()
        if await choice.is_visible():
            await choice.click()
        await self.ready()

    async def sign_out(self) -> None:
        """Sign out, by the account menu."""
        await self.page.get_by_role("button", name="Account").click()
        await self.page.get_by_role("button", name="Sign out").click()

    async def ready(self) -> None:
        """Wait until the page has its state."""
        await expect(self.page.locator("#model")).not_to_be_empty()
        await expect(self.page.locator("#empty:not([hidden]), .message").first).to_be_visible()

    async def begin_another(self) -> None:
        """Open a new conversation and wait for it. One that is empty is as good as new."""
        before, empty = self.page.url, await self.page.locator("#empty").is_visible()
        await self.page.get_by_role("button", name="New chat", exact=True).click()
        if not empty:
            await expect(self.page).not_to_have_url(before)
            await expect(self.page.locator("#empty")).to_be_visible()
        await self.ready()
        await expect(self.page.locator("#empty")).to_be_visible()  # what is left of the other chat is gone

    async def ask(self, text: str) -> None:
        """Send a message and wait until it stands in the conversation, and its answer has begun."""
        before = await self.conversation.locator(".message.user").count()
        await self.message.fill(text)
        await self.send.click()
        await expect(self.conversation.locator(".message.user")).to_have_count(before + 1)
        answer = self.conversation.locator(".messages > .message.assistant:last-child")
        ending = self.page.get_by_role("group", name="No answer")
        await expect(self.stop.or_(answer).or_(ending).first).to_be_attached()

    async def choose(self, mode: str) -> None:
        """Choose the approval mode and wait until the server has it."""
        if not await self.mode.is_visible():
            await self.message.click()  # the composer rests on a low screen
        async with self.page.expect_response(re.compile(r"/mode$")) as response:
            await self.mode.select_option(value=mode.lower())
        assert (await response.value).ok

    def call(self, tool: str, nth: int = 0) -> Locator:
        """Return the card of a tool call."""
        return self.page.get_by_role("group", name=f"Tool call {tool}", exact=True).nth(nth)

    def calls(self, tool: str) -> Locator:
        """Return all cards of a tool's calls."""
        return self.page.get_by_role("group", name=f"Tool call {tool}", exact=True)

    def request(self) -> Locator:
        """Return the open questions of servers."""
        return self.page.get_by_role("group", name=re.compile("^Request from "))

    async def approve(self, tool: str, nth: int = 0) -> None:
        await self.call(tool, nth).get_by_role("button", name="Approve").click()

    async def decline(self, tool: str, nth: int = 0) -> None:
        await self.call(tool, nth).get_by_role("button", name="Decline").click()

    async def answer(self, button: str) -> None:
        """Press a button of the only open question."""
        await self.request().get_by_role("button", name=button).click()

    async def finished(self) -> None:
        """Wait until the run is over."""
        await expect(self.stop).to_be_hidden()
        await expect(self.send).to_be_visible()

    async def says(self, pattern: str) -> str:
        """Wait until the last answer is complete and matches; return its text."""
        await expect(self.answers.last).to_contain_text(re.compile(pattern, re.IGNORECASE))
        await self.finished()
        await expect(self.answers.last).to_contain_text(re.compile(pattern, re.IGNORECASE))
        return await self.answers.last.inner_text()

    async def finds_copied(self, text: str) -> None:
        """Wait until the clipboard has this text; the page must have the permission to read it."""

        async def copied() -> bool:
            return text in await self.page.evaluate("navigator.clipboard.readText()")

        await eventually(copied, seconds=15)


def soon() -> str:
    """Return a day with a forecast at any time and in any zone: the day after tomorrow."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date().isoformat()
