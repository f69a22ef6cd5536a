"""The transport's limits are settings of the server."""

from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer


async def test_longest_body_and_most_sessions_follow_the_settings(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, max_body_bytes=2000, max_sessions=1) as protected:
        token = tenant.access_token()
        headers = {"Authorization": f"Bearer {token}"}
        assert (await protected.request("POST", "/mcp", headers, b" " * 2001)).status == 413
        assert (await protected.call(token)).status == 200
        assert (await protected.call(token)).status == 503
