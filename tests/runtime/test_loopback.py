"""What this machine is called."""

import pytest

from mcpsecurity.runtime.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "chat.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_is_known_by_its_names_and_addresses(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example.com", "10.0.0.1", "169.254.169.254", "wiki"])
def test_anything_else_is_another_machine(host: str) -> None:
    assert not is_loopback(host)
