"""The keys that seal what a call without a session remembers, as settings."""

import pytest
from pydantic import ValidationError

from mcpsecurity_server.settings import MIN_STATE_KEY_BYTES, ServerSettings
from mcpsecurity_server.transport.limits import MIN_KEY_BYTES


def test_several_keys_are_read_and_not_shown() -> None:
    settings = ServerSettings(no_auth=True, state_keys=f"{'a' * 32}, {'b' * 40}")
    assert [len(key.get_secret_value()) for key in settings.state_keys] == [32, 40]
    assert "aaaa" not in repr(settings)


@pytest.mark.parametrize("keys", ["short", f"{'a' * 32} {'a' * 32}", f"{'a' * 32} short"])
def test_keys_that_are_short_or_the_same_stop_the_server(keys: str) -> None:
    with pytest.raises(ValidationError, match="Must be"):
        ServerSettings(no_auth=True, state_keys=keys)


def test_settings_and_transport_agree_on_the_shortest_key() -> None:
    assert MIN_STATE_KEY_BYTES == MIN_KEY_BYTES
