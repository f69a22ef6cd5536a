"""Two replicas of the web chat behind a proxy without stickiness are one chat."""

import asyncio
import gc
import os
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from redis.asyncio import Redis
from tests.support.ports import free_port
from tests.support.programs import Program, nginx, redis_server
from tests.webclient.conftest import RunChat
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack

ASK = "Please generate a random number between 1 and 6"
BOB = "bob@contoso.example"
MakePerson = Callable[[str], WebPerson]


class Site:
    """Two replicas, their Redis and their database."""

    def __init__(self, run_chat: RunChat, redis: Program, database: str) -> None:
        self._run_chat = run_chat
        self._running: list[AsyncExitStack] = []
        self.redis = redis
        self.database = database
        self.keys = Fernet.generate_key().decode()
        self.ports = [free_port(), free_port()]
        self.proxy = free_port()
        self.url = f"http://localhost:{self.proxy}"

    async def start(self, index: int, **more: Any) -> None:
        stack = AsyncExitStack()
        await stack.enter_async_context(
            self._run_chat(
                self.database,
                url=self.url,
                port=self.ports[index],
                redis_url=SecretStr(f"redis://127.0.0.1:{self.redis.port}"),
                keys=SecretStr(self.keys),
                sweep_every=0.2,
                **more,
            )
        )
        self._running.insert(index, stack)

    async def stop(self, index: int) -> None:
        await self._running.pop(index).aclose()

    async def aclose(self) -> None:
        for stack in self._running:
            await stack.aclose()


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[Program]:
    async with redis_server() as server:
        yield server


@pytest.fixture
async def site(run_chat: RunChat, redis: Program, tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(run_chat, redis, f"sqlite:///{tmp_path}/conversations.sqlite3")
    try:
        async with nginx({site.proxy: site.ports}):
            for index in range(2):
                await site.start(index)
            yield site
    finally:
        await site.aclose()


async def test_the_main_job_works_without_stickiness(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    async with alice.page() as one, alice.page() as other:
        call = await alice.ask(one, ASK)
        assert await alice.decide(call) == 202
        assert await alice.decide(call) == 409
        assert (await one.until("run.done"))["status"] == "completed"
        await other.until("run.done")
    assert [name for name, _ in other.seen] == [name for name, _ in one.seen]
    async with alice.page() as later:
        assert [c["status"] for c in later.snapshot["calls"]] == ["done"]


async def test_a_compressed_page_is_readable_through_any_replica(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    for _ in range(4):
        async with alice.http.get(f"{site.url}/", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert "<html" in await response.text()


async def test_a_question_of_the_server_is_answered_through_any_replica(
    site: Site, person: MakePerson
) -> None:
    alice = await person(site.url).sign_in()
    assert (await alice.command("mode", mode="elicitation"))[0] == 202
    async with alice.page() as page:
        assert (await alice.command("messages", text=ASK))[0] == 202
        asked = (await page.until("elicitation.requested"))["elicitation"]
        path = f"elicitations/{asked['elicitation_id']}"
        content = {field["name"]: True for field in asked["fields"]}
        answers = await asyncio.gather(
            *(alice.command(path, action="accept", content=content) for _ in range(4))
        )
        assert sorted(status for status, _ in answers) == [202, 409, 409, 409]
        assert (await page.until("run.done"))["status"] == "completed"


async def test_a_page_that_lost_its_connection_gets_what_it_missed(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    async with alice.page() as page:
        call = await alice.ask(page, ASK)
        last_id = page.last_id
    assert await alice.decide(call) == 202
    async with alice.page(last_id=last_id) as page:
        await page.until("tool.decided")
        assert (await page.until("run.done"))["status"] == "completed"
        assert "snapshot" not in [name for name, _ in page.seen]


async def test_signing_out_ends_the_session_on_every_replica_at_once(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    async with alice.page() as one, alice.page() as other:
        form = {"csrf_token": alice.csrf}
        headers = {"Origin": site.url}
        async with alice.http.post(
            f"{site.url}/signout", data=form, headers=headers, allow_redirects=False
        ) as response:
            assert response.status == 303
        assert (await one.until("session.expired"))["reason"] == "signed_out"
        assert (await other.until("session.expired"))["reason"] == "signed_out"
    for _ in range(4):
        assert (await alice.read("/api/session"))[0] == 401


async def test_a_replica_that_has_a_person_again_shows_what_another_changed_meanwhile(
    site: Site, person: MakePerson
) -> None:
    """As after a pause in which its lease ran out. Not told by anybody, it finds out for itself."""
    alice = await person(site.url).sign_in()
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in alice.http.cookie_jar)
    own = {
        "Host": f"localhost:{site.proxy}",
        "Cookie": cookies,
        "Origin": site.url,
        "X-CSRF-Token": alice.csrf,
    }

    async def through(replica: int, path: str, **body: Any) -> Any:
        """Ask one replica, which gets the lease."""
        redis = Redis(port=site.redis.port)
        async with redis, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=own) as http:
            await redis.delete(*[name async for name in redis.scan_iter("mcpsecurity:person:*")])
            url = f"http://127.0.0.1:{site.ports[replica]}/api/chats/{alice.chat_id}/{path}"
            async with http.post(url, json=body) if body else http.get(url) as response:
                assert response.status in (200, 202), await response.text()
                return await response.json(content_type=None)

    for number, replica in enumerate([0, 1, 0, 1, 0]):
        await through(replica, "rename", title=f"Title {number}")
    assert (await through(1, "export?format=json"))["title"] == "Title 4"
    assert (await through(0, "export?format=json"))["title"] == "Title 4"


async def test_no_replica_shows_anything_of_anothers(site: Site, person: MakePerson) -> None:
    alice, bob = await person(site.url).sign_in(), await person(site.url).sign_in(BOB)
    async with alice.page() as page:
        call = await alice.ask(page, ASK)
        bob.chat_id = alice.chat_id
        for _ in range(4):
            assert await bob.decide(call) == 404
            assert (await bob.read(f"/api/chats/{alice.chat_id}/export"))[0] == 404
            assert await bob.open(f"/chats/{alice.chat_id}") == 404


async def test_a_rolling_restart_keeps_people_signed_in_and_their_conversations(
    site: Site, person: MakePerson
) -> None:
    alice = await person(site.url).sign_in()
    async with alice.page() as page:
        call = await alice.ask(page, ASK)
        assert await alice.decide(call) == 202
        await page.until("run.done")
    async with alice.page() as page:
        before = page.snapshot["messages"]
    for index in (0, 1):
        await site.stop(index)
        await site.start(index)
        async with alice.page() as page:
            assert page.snapshot["messages"] == before
            call = await alice.ask(page, ASK)
            assert await alice.decide(call) == 202
            await page.until("run.done")
        async with alice.page() as page:
            before = page.snapshot["messages"]


async def test_a_replica_that_stops_ends_the_streams_that_it_forwards(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in alice.http.cookie_jar)
    own = {"Host": f"localhost:{site.proxy}", "Cookie": cookies}
    path = f"/api/chats/{alice.chat_id}/events"
    redis = Redis(port=site.redis.port)
    async with redis, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=own) as http:
        await redis.delete(*[name async for name in redis.scan_iter("mcpsecurity:person:*")])
        async with (
            http.get(f"http://127.0.0.1:{site.ports[1]}{path}") as served,
            http.get(f"http://127.0.0.1:{site.ports[0]}{path}") as forwarded,
        ):
            assert (served.status, forwarded.status) == (200, 200)
            await forwarded.content.readuntil(b"\n\n")
            await site.stop(0)
            async with asyncio.timeout(40):
                await forwarded.content.read()  # cut off after a wait, it would raise
            assert not served.content.at_eof()
    await site.start(0)


async def test_the_keys_can_be_changed_without_signing_anybody_out(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    site.keys = f"{Fernet.generate_key().decode()},{site.keys}"
    for index in (0, 1):
        await site.stop(index)
        await site.start(index)
    for _ in range(4):
        assert (await alice.read("/api/session"))[0] == 200
    async with alice.page() as page:
        assert await alice.decide(await alice.ask(page, ASK)) == 202  # with a token from the shared cache
        assert (await page.until("run.done"))["status"] == "completed"


async def test_nothing_secret_is_readable_in_redis(site: Site, person: MakePerson) -> None:
    alice = await person(site.url).sign_in()
    async with alice.page() as page:
        assert await alice.decide(await alice.ask(page, ASK)) == 202
        await page.until("run.done")
    cookie = next(c.value for c in alice.http.cookie_jar)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.redis.port)
    writer.write(b"KEYS *\r\n")
    names = (await reader.read(1_000_000)).decode()
    assert "mcpsecurity:session:" in names
    assert "mcpsecurity:tokens:" in names
    assert cookie not in names
    for name in [line for line in names.splitlines() if line.startswith("mcpsecurity:")]:
        writer.write(f"GET {name}\r\nPTTL {name}\r\n".encode())
        answer = (await reader.readuntil(b":")) + await reader.readline()
        assert b"alice" not in answer
        assert b"eyJhbGci" not in answer
        assert int(answer.rpartition(b":")[2]) > 0, f"{name} never expires"
    writer.close()


async def test_while_redis_is_away_nothing_is_done_and_afterwards_everything_goes_on(
    run_chat: RunChat, person: MakePerson, tmp_path: Path, local: LocalStack
) -> None:
    async with redis_server() as redis:
        site = Site(run_chat, redis, f"sqlite:///{tmp_path}/conversations.sqlite3")
        async with nginx({site.proxy: site.ports}):
            for index in range(2):
                await site.start(index)
            alice = await person(site.url).sign_in()
            async with alice.page() as page:
                call = await alice.ask(page, ASK)
                os.kill(redis.pid, 19)  # stopped, with all that is in it
                try:
                    status, body = await alice.command("messages", text="are you there?")
                    assert (status, body["error"]["retryable"]) == (503, True)
                finally:
                    os.kill(redis.pid, 18)
                assert await alice.decide(call) == 202
                assert (await page.until("run.done"))["status"] == "completed"
                local.cloud.model.pace = 0.005
                assert (await alice.command("messages", text="hello"))[0] == 202
                await page.until("message.delta")
                os.kill(redis.pid, 19)
                try:
                    page.patience = 4.0
                    assert (await page.until("run.done"))["status"] == "completed"
                finally:
                    os.kill(redis.pid, 18)
                    local.cloud.model.pace = 0.0
                assert "snapshot" in [name for name, _ in page.seen[1:]], "in place of what was not logged"
            await site.aclose()


async def test_a_replica_whose_port_is_taken_leaves_nothing_open(
    run_chat: RunChat, redis: Program, tmp_path: Path
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        warnings.catch_warnings(record=True) as left,
    ):
        warnings.simplefilter("always")
        started = run_chat(
            f"sqlite:///{tmp_path}/conversations.sqlite3",
            port=taken.getsockname()[1],
            redis_url=SecretStr(f"redis://127.0.0.1:{redis.port}"),
            keys=SecretStr(Fernet.generate_key().decode()),
        )
        with suppress(OSError):
            async with started:
                raise AssertionError("the port is not taken")
        del started
        gc.collect()
    assert not [warning for warning in left if issubclass(warning.category, ResourceWarning)]
