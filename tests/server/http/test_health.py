"""`/ready` says whether calls can be answered, or what they lack."""

from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import Answer, ProtectedServer


def _said(answer: Answer) -> tuple[int, object]:
    return answer.status, answer.json()


async def test_a_server_with_its_tenants_keys_is_ready(protected: ProtectedServer) -> None:
    ready = await protected.request("GET", "/ready")
    assert _said(ready) == (200, {"ready": True, "missing": []})
    assert ready.headers["cache-control"] == "no-store"


async def test_a_server_that_never_had_the_keys_names_them_until_it_has(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    tenant.down = True
    async with ProtectedServer(tenant, clock) as protected:
        answer = await protected.request("GET", "/ready")
        assert _said(answer) == (503, {"ready": False, "missing": ["signing_keys"]})
        assert (await protected.request("GET", "/health")).status == 200
        tenant.down = False
        clock.offset += 6
        assert _said(await protected.request("GET", "/ready")) == (200, {"ready": True, "missing": []})


async def test_keys_that_are_held_are_enough_while_the_tenant_is_down(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    assert (await protected.request("GET", "/ready")).status == 200
    tenant.down = True
    assert (await protected.request("GET", "/ready")).status == 200


async def test_a_probe_from_inside_is_answered_without_https(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, url="https://mcp.example/mcp", trusted_proxies=1) as protected:
        assert (await protected.request("GET", "/ready")).status == 200
        assert (await protected.request("GET", "/health")).status == 200
