"""The tenant changes its signing keys while people work: nobody with a good token notices."""

import asyncio
import time
from collections import Counter

from tests.oidc.tenant import MovableClock
from tests.server.protected import ProtectedServer

from mcpsecurity.localcloud import LocalCloud


class Traffic:
    """Callers who do not stop, each request with a token that is made just then."""

    def __init__(self, server: ProtectedServer, cloud: LocalCloud, callers: int = 8) -> None:
        self._server = server
        self._cloud = cloud
        self._stopped = False
        self.answers: Counter[int] = Counter()
        self.running = [asyncio.create_task(self._call()) for _ in range(callers)]

    async def _call(self) -> None:
        while not self._stopped:
            answer = await self._server.call(self.token())
            self.answers[answer.status] += 1

    def token(self) -> str:
        """Return a token that is valid at the time of the moved clock."""
        return self._cloud.access_token(exp=int(time.time()) + 86400)

    async def more(self, requests: int) -> None:
        """Wait until so many more have been answered."""
        goal = self.answers.total() + requests
        async with asyncio.timeout(30):
            while self.answers.total() < goal:
                done, _ = await asyncio.wait(self.running, timeout=0.02)
                assert not done, "a caller broke down"

    async def stop(self) -> None:
        self._stopped = True
        async with asyncio.timeout(30):
            await asyncio.gather(*self.running)


async def test_keys_rotate_in_mid_traffic_and_no_request_with_a_good_token_is_lost(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer, clock: MovableClock
) -> None:
    traffic = Traffic(cloud_server, healthy_cloud)
    first = traffic.token()
    await traffic.more(20)
    for _ in range(3):
        await healthy_cloud.tenant.rotate_keys()
        await traffic.more(20)
        assert (await cloud_server.call(first)).status == 200, "the key before is still published"
        clock.offset += 31
    healthy_cloud.tenant.drop_keys()
    clock.offset += 3601
    await traffic.more(40)
    await traffic.stop()

    assert set(traffic.answers) == {200}
    cloud_server.assert_refused(await cloud_server.call(first), 401, "invalid_token", healthy_cloud.scope)


async def test_a_tenant_that_is_slow_or_down_in_mid_traffic_is_not_noticed(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer, clock: MovableClock
) -> None:
    traffic = Traffic(cloud_server, healthy_cloud)
    await traffic.more(20)
    for fault, value in (("delay", 30.0), ("down", True)):
        setattr(healthy_cloud.tenant.faults, fault, value)
        clock.offset += 3601
        await traffic.more(20)
        healthy_cloud.tenant.faults.clear()
    await traffic.stop()

    assert set(traffic.answers) == {200}
