"""Settings of the server that the transport follows: limits, and the keys of calls without a session."""

import pytest
from pydantic import ValidationError
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer

from mcpsecurity_server.settings import MIN_STATE_KEY_BYTES, ServerSettings
from mcpsecurity_server.transport.limits import MIN_KEY_BYTES


def test_several_keys_are_read_and_not_shown() -> None:
    settings = ServerSettings(no_auth=True, state_keys=f"{'a' * 32}, {'b' * 40}")
    assert [len(key.get_secret_value()) for key in settings.state_keys] == [32, 40]
    assert "aaaa" not in repr(settings)


@pytest.mark.parametrize("keys", ["short", f"{'a' * 32} {'a' * 32}", f"{'a' * 32} short"])
def test_keys_that_are_short_or_the_same_stop_the_server(keys: str) -> None:
    with pytest.raises(ValidationError, match="write "):
        ServerSettings(no_auth=True, state_keys=keys)


def test_settings_and_transport_agree_on_the_shortest_key() -> None:
    assert MIN_STATE_KEY_BYTES == MIN_KEY_BYTES


async def test_longest_body_and_most_sessions_follow_the_settings(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, max_body_bytes=2000, max_sessions=1) as protected:
        token = tenant.access_token()
        headers = {"Authorization": f"Bearer {token}"}
        assert (await protected.request("POST", "/mcp", headers, b" " * 2001)).status == 413
        assert (await protected.call(token)).status == 200
        assert (await protected.call(token)).status == 503
