"""Where the person at the terminal signs in: at the tenant, or where the MCP server says."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mcp.server.fastmcp import Context, FastMCP
from msal_extensions import FilePersistence
from semantic_kernel import Kernel
from tests.console.conftest import YOU, Start
from tests.support.oauth import Instead, browser, protected
from tests.support.served import on_loopback

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.console.access import Access, Tenant, open_access
from mcpsecurity.console.cache import PersistedGrant
from mcpsecurity.console.settings import ConsoleSettings, TenantSettings
from mcpsecurity.kernel import McpClient
from mcpsecurity.settings import settings_of
from mcpsecurity.testing import LocalStack, ServedMcp
from mcpsecurity_server.transport import mount_mcp


@asynccontextmanager
async def open_server() -> AsyncIterator[str]:
    """Serve a server that wants no token; yield its address."""
    mcp: FastMCP[Any] = FastMCP("Open", log_level="WARNING")

    @mcp.tool()
    def whoami(ctx: Context[Any, Any, Any]) -> str:
        """Say what the request carries."""
        headers = getattr(ctx.request_context.request, "headers", {})
        return "somebody" if "Authorization" in headers else "a stranger"

    app = web.Application()
    mount_mcp(app, mcp)
    async with on_loopback(app, "/mcp") as url:
        yield url


_BROWSER = """
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=30)
"""


def settings(stack: LocalStack, folder: Path, **more: Any) -> ConsoleSettings:
    return settings_of(
        ConsoleSettings,
        ca_file=stack.cloud.ca_file,
        OPENAI_BASE_URL="http://localhost:1/v1",
        OPENAI_CHAT_MODEL_ID="none",
        token_cache=folder / "tokens.bin",
        **more,
    )


def tenant(stack: LocalStack) -> Tenant:
    chosen = settings_of(
        TenantSettings,
        authority=stack.cloud.authority,
        tenant_id=stack.cloud.tenant_id,
        client_id=stack.cloud.public_client_id,
        ca_file=stack.cloud.ca_file,
        scope="api://x/mcp:tools",
    )
    return Tenant(chosen)


async def whoami(url: str, access: Access) -> str:
    async with McpClient(Kernel(), url, ask=None, **access.options) as client:
        return str(await client.call_tool("whoami"))


async def test_a_server_of_the_tenant_gets_its_tokens(
    stack: LocalStack, server: ServedMcp, tmp_path: Path
) -> None:
    for configured in (True, False):
        async with open_access(
            server.url, settings(stack, tmp_path), tenant(stack), lambda _: None, configured=configured
        ) as access:
            assert set(access.options) == {"credential", "scope"}


async def test_a_server_with_another_authorization_server_has_the_person_sign_in_there(
    stack: LocalStack, tmp_path: Path
) -> None:
    told: list[str] = []
    async with protected() as server:
        chosen = settings(stack, tmp_path)
        async with open_access(server.url, chosen, tenant(stack), told.append, open_page=browser) as access:
            assert await whoami(server.url, access) == "a person"
            assert access.signed_in() == "signed in at 127.0.0.1"
    assert told == [f"Sign in at {server.url.split('/')[2]} in the browser that opens now."]


async def test_a_server_that_cannot_be_asked_is_left_to_the_chat(stack: LocalStack, tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/mcp"
    async with open_access(url, settings(stack, tmp_path), tenant(stack), lambda _: None) as access:
        assert "scope" in access.options


async def test_a_server_that_the_person_names_gets_no_token_of_the_tenant_unless_it_asks_for_one(
    stack: LocalStack, tmp_path: Path
) -> None:
    async with open_server() as url:
        chosen, ours = settings(stack, tmp_path), tenant(stack)
        async with open_access(url, chosen, ours, lambda _: None, configured=False) as access:
            assert await whoami(url, access) == "a stranger"
            assert access.signed_in() == "without a sign-in"
        async with open_access(url, chosen, ours, lambda _: None) as access:
            assert "scope" in access.options, "it is the tenant's own"


async def test_without_a_tenant_nobody_signs_in_where_the_server_does_not_want_it(
    stack: LocalStack, tmp_path: Path
) -> None:
    async with (
        open_server() as url,
        open_access(url, settings(stack, tmp_path), None, lambda _: None) as access,
    ):
        assert await whoami(url, access) == "a stranger"


async def test_without_a_tenant_a_server_of_entra_says_which_settings_it_takes(
    stack: LocalStack, tmp_path: Path
) -> None:
    instead = Instead()
    async with protected(instead) as server:
        instead["/.well-known/oauth-protected-resource/mcp"] = {
            "resource": server.url,
            "authorization_servers": ["https://login.microsoftonline.com/common/v2.0"],
        }
        with pytest.raises(SignInRequiredError, match="Set ENTRA_TENANT_ID, CONSOLE_CLIENT_ID"):
            async with open_access(server.url, settings(stack, tmp_path), None, lambda _: None):
                pass


async def test_a_client_that_was_registered_by_hand_is_used(stack: LocalStack, tmp_path: Path) -> None:
    visited: list[str] = []

    def visit(url: str) -> bool:
        visited.append(url)
        return False

    async with protected() as server:
        chosen = settings(stack, tmp_path, oauth_client_id="by-hand", oauth_client_secret="hidden")
        async with open_access(server.url, chosen, tenant(stack), lambda _: None, open_page=visit) as access:
            with pytest.raises(SignInRequiredError, match="no browser"):
                await whoami(server.url, access)
    assert "client_id=by-hand" in visited[0]
    assert not server.tokens.clients


async def test_what_is_kept_comes_back_and_can_be_forgotten(tmp_path: Path) -> None:
    """Where a system encrypts is the business of its keyring; the file here stands for it."""
    store = PersistedGrant(FilePersistence(str(tmp_path / "grant")), tmp_path / "grant.lock")
    assert await store.load() is None
    await store.save('{"grant": 1}')
    assert await store.load() == '{"grant": 1}'
    assert (tmp_path / "grant").stat().st_mode & 0o077 == 0
    await store.save(None)
    assert not await store.load()


async def test_the_program_signs_in_at_the_server_and_calls_its_tools(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "browser.py"
    script.write_text(_BROWSER, encoding="utf-8")

    def talk() -> str:
        screen = start("--server", url, BROWSER=f"{sys.executable} {script} %s")
        screen.see("Sign in at 127.0.0.1:")
        screen.see("Notes, signed in at 127.0.0.1")
        screen.see(YOU)
        screen.type("/tools")
        said = screen.see(YOU)
        screen.press("d")
        assert screen.end() == 0
        return said

    async with protected() as server:
        url = server.url
        assert "whoami  Say who is signed in." in await asyncio.to_thread(talk)


async def test_the_program_says_in_a_line_that_the_person_declined(start: Start, tmp_path: Path) -> None:
    script = tmp_path / "browser.py"
    script.write_text(_BROWSER, encoding="utf-8")

    def talk() -> None:
        screen = start("--server", url, BROWSER=f"{sys.executable} {script} %s")
        screen.see("chat: You did not sign in at 127.0.0.1:")
        assert screen.end() == 1

    async with protected(denies=True) as server:
        url = server.url
        await asyncio.to_thread(talk)
