"""Tells this machine's own names and addresses from others."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, so that no network is crossed."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
