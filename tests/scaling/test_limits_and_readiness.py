"""A client that asks too much is told when to come again; `/ready` says which service is missing."""

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet
from tests.support.ports import free_port
from tests.support.programs import redis_server
from tests.webclient.chat.test_kept_conversations import ASK, MakePerson
from tests.webclient.conftest import RunChat, local, mcp_url, person, run_chat

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.redis.rate_limit import RedisRateLimiter
from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

__all__ = ["local", "mcp_url", "person", "run_chat"]  # fixtures

CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "get_current_date_time", "arguments": {}},
}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


async def test_commands_beyond_the_limit_are_refused_and_counted_for_each_person_alone(
    run_chat: RunChat, person: MakePerson
) -> None:
    async with run_chat(commands_per_minute=5) as url:
        alice, bob = await person(url).sign_in(), await person(url).sign_in("bob@contoso.example")
        again = await person(url).sign_in()
        answers = [await alice.command("mode", mode="manual") for _ in range(5)]
        assert {status for status, _ in answers} == {202}
        status, body = await again.command("mode", mode="manual")
        assert (status, body["error"]["code"], body["error"]["retryable"]) == (429, "too_many_commands", True)
        assert 1 <= body["error"]["retry_after"] <= 12
        assert (await bob.command("mode", mode="manual"))[0] == 202


async def test_only_so_many_answers_are_written_for_a_person_at_a_time(
    run_chat: RunChat, person: MakePerson
) -> None:
    async with run_chat(max_runs=1) as url:
        alice = await person(url).sign_in()
        async with alice.page() as page:
            call = await alice.ask(page, ASK)
            first = alice.chat_id
            await alice.new_chat()
            status, body = await alice.command("messages", text="hello")
            assert (status, body["error"]["code"]) == (429, "too_many_runs")
            alice.chat_id = first
            await alice.decide(call)
            await page.until("run.done")
        assert (await alice.command("messages", text="hello"))[0] == 202


async def test_a_chat_whose_database_is_there_is_ready(run_chat: RunChat) -> None:
    async with run_chat() as url, aiohttp.ClientSession() as http, http.get(f"{url}/ready") as response:
        assert (response.status, await response.json()) == (200, {"ready": True, "missing": []})


async def test_a_server_refuses_calls_beyond_the_limit_and_says_when_to_come_again() -> None:
    runner = await served(calls_per_minute=2)
    try:
        *taken, (status, after) = await calls(3, [runner])
        assert (taken, status) == ([(200, None), (200, None)], 429)
        assert 20 < int(after or 0) <= 30, "one call in thirty seconds, some of which have passed"
    finally:
        await runner.cleanup()


async def test_replicas_count_calls_together() -> None:
    async with redis_server() as redis:
        shared = {"redis_url": f"redis://127.0.0.1:{redis.port}", "keys": Fernet.generate_key().decode()}
        runners = [await served(calls_per_minute=3, **shared) for _ in range(2)]
        try:
            seen = await calls(5, runners)
            assert [status for status, _ in seen] == [200, 200, 200, 429, 429]
            waits = [int(after or 0) for _, after in seen[3:]]
            assert 10 < min(waits) <= max(waits) <= 20, (
                "one call in twenty seconds, some of which have passed"
            )
            await redis.stop()
            (refused,) = await calls(1, runners[:1], opened={"Mcp-Session-Id": "x"})
            assert refused == (503, "2")
        finally:
            for runner in runners:
                await runner.cleanup()


async def test_a_shared_limit_is_like_the_one_of_a_process() -> None:
    async with (
        redis_server() as redis,
        RedisConnection(
            f"redis://127.0.0.1:{redis.port}", EncryptionKeys(Fernet.generate_key().decode())
        ) as connection,
    ):
        limit = RedisRateLimiter(connection, "calls", 600)
        assert [await limit.acquire("a") for _ in range(600)].count(0.0) == 600
        other = RedisRateLimiter(connection, "others", 600)
        assert await limit.acquire("b") == await other.acquire("a") == 0.0
        waits = [await limit.acquire("a") for _ in range(2000)]
        assert 0.0 < max(waits) <= 0.1, "it fills up by ten a second"
        names = [name async for name in connection.client.scan_iter()]
        assert len(names) == 3
        assert {0 < await connection.client.pttl(name) <= 60_000 for name in names} == {True}


async def test_a_server_whose_redis_is_away_is_not_ready_and_refuses_with_a_time_to_come_again() -> None:
    runner = await served(
        redis_url=f"redis://127.0.0.1:{free_port()}", keys="3yhQ0tXhrwsG0Kz0m9Fh3VV2tZbGSmF6kUpSNRVtKSY="
    )
    try:
        async with aiohttp.ClientSession(headers=HEADERS) as http:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with http.get(f"{url}/ready") as response:
                assert (response.status, await response.json()) == (
                    503,
                    {"ready": False, "missing": ["redis"]},
                )
            async with http.get(f"{url}/health") as response:
                assert response.status == 200
            async with http.post(f"{url}/mcp", json=CALL, headers={"Mcp-Session-Id": "x"}) as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "2")
    finally:
        await runner.cleanup()


async def calls(
    number: int, runners: list[web.AppRunner], opened: dict[str, str] | None = None
) -> list[tuple[int, str | None]]:
    """Call a tool in a session, at the servers in turn; return statuses and times to come again."""
    urls = [f"http://127.0.0.1:{runner.addresses[0][1]}/mcp" for runner in runners]
    begin = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    first = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": begin}
    seen = []
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        if opened is None:
            async with http.post(urls[0], json=first) as response:
                opened = {"Mcp-Session-Id": response.headers["Mcp-Session-Id"]}
        for turn in range(number):
            async with http.post(urls[turn % len(urls)], json=CALL, headers=opened) as response:
                seen.append((response.status, response.headers.get("Retry-After")))
    return seen


async def served(**settings: object) -> web.AppRunner:
    return await started_runner(create_app(ServerSettings(no_auth=True, **settings)))  # type: ignore[arg-type] # fields by name
