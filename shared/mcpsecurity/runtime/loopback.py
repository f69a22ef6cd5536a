"""This machine's own names, addresses and ports."""

import socket
from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, so that no network is crossed."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listens(host: str, port: int, seconds: float) -> bool:
    """Tell whether a program listens on a port; it has so many seconds to take the connection."""
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
