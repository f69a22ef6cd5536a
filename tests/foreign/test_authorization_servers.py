"""Signing in at authorization servers that others wrote, from the first 401 to the sign-out."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.foreign.environments import installed_node
from tests.foreign.forms import agree
from tests.foreign.running import environment_in
from tests.support.node import NODE
from tests.support.ports import free_port
from tests.support.programs import Program

from mcpsecurity.client import McpConnection, result_text
from mcpsecurity.client.oauth import MemoryStore, browser_auth, read_grant

pytestmark = [pytest.mark.timeout(300), pytest.mark.foreign]

SDK = "node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js"


class Visits:
    """A browser in which the person agrees to everything, and how often it was opened."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, url: str) -> bool:
        self.count += 1
        return agree(url)


@asynccontextmanager
async def served(script: str, folder: Path) -> AsyncIterator[str]:
    """Run a script, and give it a port for the MCP server and one for the authorization server."""
    port, more = free_port(), free_port()
    program = Program(
        [str(NODE), str(installed_node("npm_sign_in") / script), str(port), str(more), "--oauth"],
        port,
        environment=environment_in(folder) | {"MCP_PORT": str(port), "MCP_AUTH_PORT": str(more)},
        log=folder / "log.txt",
    )
    await program.start()
    try:
        yield f"http://{'localhost' if script == SDK else '127.0.0.1'}:{port}/mcp"
    finally:
        await program.stop()


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


@pytest.mark.parametrize("script", ["oidc_provider.mjs", "workers.mjs"])
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
