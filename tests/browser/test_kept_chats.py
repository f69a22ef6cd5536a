"""A person finds a conversation again by its words, and takes it with her as a file."""

from pathlib import Path

from playwright.async_api import expect
from tests.browser.person import Person


async def test_a_chat_is_found_by_what_was_said_in_it(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    await alice.begin_another()
    chats = alice.page.get_by_role("navigation", name="Chats")
    search = alice.page.get_by_role("searchbox", name="Search chats")

    await search.fill("HELLO")
    await expect(chats.get_by_role("link", name="hello").first).to_be_visible()
    await expect(chats.get_by_role("link", name="New chat")).to_have_count(0)

    await search.fill("words that nobody ever said")
    await expect(chats.get_by_text("No chats match")).to_be_visible()


async def test_a_chat_can_be_taken_along_as_a_file(alice: Person, tmp_path: Path) -> None:
    await alice.ask("hello")
    await alice.finished()

    await alice.page.get_by_role("button", name="Chat menu").click()
    async with alice.page.expect_download() as download:
        await alice.page.get_by_role("link", name="Export as Markdown").click()
    file = await download.value

    assert file.suggested_filename == "hello.md"
    await file.save_as(tmp_path / "hello.md")
    assert "# hello" in (tmp_path / "hello.md").read_text("utf-8")


async def test_a_chat_is_copied_for_sharing_where_the_system_has_no_sheet(alice: Person) -> None:
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.page.evaluate("navigator.canShare = () => false")
    await _share_a_chat(alice)
    await expect(alice.notices).to_contain_text("Copied as Markdown")
    assert "# hello" in await alice.page.evaluate("navigator.clipboard.readText()")


async def test_a_chat_is_shared_by_the_sheet_of_the_system(alice: Person) -> None:
    await alice.page.evaluate(
        """() => {
          navigator.canShare = () => true;
          window.shared = new Promise((resolve) => { navigator.share = async (data) => resolve(data); });
        }"""
    )
    await _share_a_chat(alice)
    shared = await alice.page.evaluate("window.shared")
    assert shared["title"] == "hello"
    assert "# hello" in shared["text"]
    await expect(alice.notices.get_by_role("listitem")).to_have_count(0)


async def _share_a_chat(alice: Person) -> None:
    await alice.ask("hello")
    await alice.finished()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("hello")
    await alice.page.get_by_role("button", name="Chat menu").click()
    await alice.page.get_by_role("button", name="Share", exact=True).click()
