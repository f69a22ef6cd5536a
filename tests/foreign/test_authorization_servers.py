"""Signing in at authorization servers that others wrote, from the first 401 to the sign-out."""

import json
import time
from pathlib import Path

import httpx
import pytest
from tests.foreign.authorization_servers import SDK, served
from tests.foreign.forms import agree

from mcpsecurity.client import McpConnection, result_text
from mcpsecurity.client.oauth import MemoryStore, browser_auth, read_grant

pytestmark = [pytest.mark.timeout(300), pytest.mark.foreign]


class Visits:
    """A browser in which the person agrees to everything, and how often it was opened."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, url: str) -> bool:
        self.count += 1
        return agree(url)


async def call(url: str, store: MemoryStore, visits: Visits, *tools: str, sign_out: bool = False) -> str:
    """Call tools over a new connection; return what the last one says."""
    said, auth = "", browser_auth(url, store=store, open_page=visits, tell=lambda _: None)
    async with McpConnection(url, auth=auth) as connection:
        for tool in tools:
            said = result_text(await connection.call_tool(tool, {"name": "Alice"} if tool == "greet" else {}))
        if sign_out:
            await auth.sign_out()
    return said


async def let_it_end(store: MemoryStore) -> str:
    """Let the token that is kept end now; return it."""
    grant = json.loads(await store.load() or "{}")
    await store.save(json.dumps({**grant, "expires_at": time.time()}))
    return str(grant["tokens"]["access_token"])


async def status_of(url: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(trust_env=False) as client:
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        return (await client.post(url, json=ping, headers=headers)).status_code


@pytest.mark.parametrize("script", ["oidc_provider.mjs", "workers.mjs", "toolkit.py", "authlib_server.py"])
async def test_a_person_signs_in_once_is_kept_by_refreshes_and_signs_out(script: str, tmp_path: Path) -> None:
    store, visits = MemoryStore(), Visits()
    async with served(script, tmp_path) as url:
        assert await call(url, store, visits, "whoami") == "alice"
        first = await let_it_end(store)
        assert await call(url, store, visits, "whoami") == "alice"
        grant = read_grant(await store.load())
        assert grant is not None
        assert grant.access_token not in (None, first)
        assert visits.count == 1
        await call(url, store, visits, "whoami", sign_out=True)
        assert await status_of(url, str(grant.access_token)) == 401


async def test_a_call_that_needs_another_scope_is_made_after_one_sign_in_more(tmp_path: Path) -> None:
    store, visits = MemoryStore(), Visits()
    async with served("oidc_provider.mjs", tmp_path) as url:
        assert await call(url, store, visits, "whoami", "write_note") == "written"
        grant = read_grant(await store.load())
    assert grant is not None
    assert set((grant.scope or "").split()) >= {"notes", "notes:write"}
    assert visits.count == 2


async def test_signing_out_at_a_server_with_sessions_opens_no_page_when_the_session_ends(
    tmp_path: Path,
) -> None:
    store, visits = MemoryStore(), Visits()
    async with served(SDK, tmp_path) as url:
        assert await call(url, store, visits, "greet", sign_out=True) == "Hello, Alice!"
    assert visits.count == 1


@pytest.mark.parametrize("script", ["toolkit.py", "authlib_server.py"])
async def test_a_refresh_token_that_is_used_up_costs_one_sign_in_and_no_more(
    script: str, tmp_path: Path
) -> None:
    store, visits = MemoryStore(), Visits()
    async with served(script, tmp_path) as url:
        await call(url, store, visits, "whoami")
        await let_it_end(store)
        used_up = await store.load()
        await call(url, store, visits, "whoami")
        await store.save(used_up)
        assert await call(url, store, visits, "whoami") == "alice"
    assert visits.count == 2
