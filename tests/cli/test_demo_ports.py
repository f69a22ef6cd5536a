"""The demo says before it starts anything which port cannot be used, why, and which option helps."""

import socket

import pytest

from mcpsecurity.cli.demo_ports import BLOCKED_BY_BROWSERS, DemoPorts, PortError, is_taken, usable_ports


def nothing_taken(port: int) -> bool:
    return False


def test_without_an_offset_the_ports_are_those_of_the_documentation() -> None:
    assert usable_ports(0, nothing_taken) == DemoPorts(5001, 7133, 7443, 7080)
    assert usable_ports(10, nothing_taken) == DemoPorts(5011, 7143, 7453, 7090)


@pytest.mark.parametrize("offset", [3000, 59])
def test_a_port_that_browsers_refuse_is_refused_with_an_offset_that_works(offset: int) -> None:
    with pytest.raises(
        PortError, match="which browsers refuse to open; for example: --port-offset"
    ) as caught:
        usable_ports(offset, nothing_taken)
    advised = int(str(caught.value).rpartition(" ")[2])
    assert not BLOCKED_BY_BROWSERS & usable_ports(advised, nothing_taken).named().keys()


@pytest.mark.parametrize("offset", [-4500, 60_000])
def test_a_port_that_nobody_can_open_is_refused(offset: int) -> None:
    with pytest.raises(PortError, match="is not between 1024 and 65535; for example: --port-offset"):
        usable_ports(offset, nothing_taken)


def test_each_port_that_is_taken_is_named_with_the_next_offset_whose_ports_are_free() -> None:
    with pytest.raises(PortError) as caught:
        usable_ports(0, {5001, 7443, 5011}.__contains__)
    assert str(caught.value) == (
        "another program already uses these ports: localhost:5001 (web chat), localhost:7443 (local cloud). "
        "End it – perhaps another demo –, or take other ports: --port-offset 20"
    )


def test_the_option_stands_as_the_person_types_it() -> None:
    with pytest.raises(PortError, match=r'take other ports: make demo ARGS="--port-offset 10"$'):
        usable_ports(0, {5001}.__contains__, typed='make demo ARGS="{}"')


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_program_on_either_loopback_address_takes_a_port(family: socket.AddressFamily, host: str) -> None:
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    port = listener.getsockname()[1]
    with listener:
        assert is_taken(port)
    assert not is_taken(port)
