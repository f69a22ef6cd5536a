"""Replicas whose clocks differ, and signing keys that change, while two of each service run."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.scaling.acting import approved_once, statuses
from tests.scaling.topology import Replica, Topology
from tests.support.programs import clock_shifted_by
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(240)
HOUR = 3600


class Traffic:
    """Clients who do not stop, each request with a token that is made just then."""

    def __init__(self, local: LocalStack, topology: Topology) -> None:
        self._local = local
        self._url = topology.mcp_url
        self._stopped = False
        self.answers: Counter[int] = Counter()
        self._running = [asyncio.create_task(self._call()) for _ in range(6)]

    async def more(self, requests: int) -> None:
        """Wait until so many more have been answered."""
        goal = self.answers.total() + requests
        async with asyncio.timeout(30):
            while self.answers.total() < goal:
                done, _ = await asyncio.wait(self._running, timeout=0.05)
                assert not done, "a client broke down"

    async def stop(self) -> None:
        self._stopped = True
        async with asyncio.timeout(30):
            await asyncio.gather(*self._running)

    async def _call(self) -> None:
        while not self._stopped:
            self.answers.update(await statuses(self._local.tokens("alice"), self._url))


@pytest.fixture
async def traffic(local: LocalStack, topology: Topology) -> AsyncIterator[Traffic]:
    traffic = Traffic(local, topology)
    yield traffic
    await traffic.stop()


async def ready(replica: Replica) -> list[str]:
    """Return what a replica says it misses."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{replica.port}/ready") as response,
    ):
        body = await response.json()
        assert response.status == (503 if body["missing"] else 200)
        return list(body["missing"])


async def test_clocks_that_differ_by_less_than_a_minute_are_not_noticed(
    topology: Topology, local: LocalStack, somebody: WebPerson
) -> None:
    await asyncio.gather(
        *(
            replica.restart(**clock_shifted_by(seconds))
            for replicas in (topology.mcp, topology.web)
            for replica, seconds in zip(replicas, (50, -50), strict=True)
        )
    )
    for replica in topology.replicas:
        assert await ready(replica) == []
    assert await statuses(local.tokens("alice"), *(r.mcp_url for r in topology.mcp)) == [200, 200]
    await approved_once(somebody, topology, "messages")  # with the session that the right clocks began
    await approved_once(await somebody.sign_in(somebody.name), topology)
    assert (await somebody.read("/api/session"))[0] == 200
    # Redis counts a lease: its holder keeps it, and no other process takes it over before its time
    owner = await topology.owner_of(somebody.oid)
    for _ in range(4):
        assert await somebody.open(f"/chats/{somebody.chat_id}") == 200
    assert await topology.owner_of(somebody.oid) is owner


@pytest.mark.parametrize("seconds", [2 * HOUR, -2 * HOUR])
async def test_a_clock_that_is_wrong_is_told_by_ready_and_good_tokens_are_refused_there_alone(
    topology: Topology, local: LocalStack, seconds: int
) -> None:
    wrong, right = topology.mcp
    await asyncio.gather(
        wrong.restart(**clock_shifted_by(seconds)), topology.web[0].restart(**clock_shifted_by(seconds))
    )
    told = [await ready(replica) for replica in topology.replicas]
    assert ["clock" in missing for missing in told] == [True, False, True, False]
    assert (told[1], told[3]) == ([], [])
    there, here = await statuses(local.tokens("alice"), wrong.mcp_url, right.mcp_url)
    assert there in (401, 503)  # 503 when its clock is before the certificate of the tenant's keys
    assert here == 200
    # what has expired is refused by those that know the time
    assert await statuses(local.tokens("alice", expired=True), right.mcp_url) == [401]


async def test_keys_are_rotated_and_no_good_request_is_lost_at_any_replica(
    topology: Topology, local: LocalStack, traffic: Traffic, somebody: WebPerson
) -> None:
    old = local.tokens("alice")
    await traffic.more(30)
    local.faults.rotate_keys()
    await traffic.more(60)
    urls = [replica.mcp_url for replica in topology.mcp]
    assert await statuses(old, *urls) == [200, 200], "the key before is still published"
    await approved_once(await somebody.sign_in(somebody.name), topology, "messages")
    await traffic.stop()
    assert set(traffic.answers) == {200}


async def test_a_key_that_is_withdrawn_is_refused_by_every_replica_as_soon_as_they_see_the_new_one(
    topology: Topology, local: LocalStack, somebody: WebPerson
) -> None:
    # They read keys again at most every thirty seconds, and have done so in the test before.
    await asyncio.gather(*(replica.restart() for replica in topology.replicas))
    urls = [replica.mcp_url for replica in topology.mcp]
    old = local.tokens("alice")
    assert await statuses(old, *urls) == [200, 200]
    local.faults.rotate_keys()
    local.cloud.tenant.drop_keys()
    assert await statuses(local.tokens("alice"), *urls, topology.mcp_url) == [200, 200, 200]
    assert await statuses(old, *urls) == [401, 401]
    await approved_once(await somebody.sign_in(somebody.name), topology, "messages")
