"""Ports for servers whose address has to be known before they listen."""

import itertools
import socket
from contextlib import suppress
from random import SystemRandom

__all__ = ["free_port"]

# Systems give outgoing connections ports from 32768 on, or higher: none of them can take such a port before
# its server does. Other test processes take theirs in another order.
_ports = itertools.cycle(SystemRandom().sample(range(20_000, 30_000), 10_000))


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on, each time another one."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("unreachable")
