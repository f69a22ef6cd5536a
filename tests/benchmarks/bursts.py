"""What a call takes more than another one, over HTTP: in bursts of one call on each of some connections.

A server that has got a burst works until it has answered the last call, as under a steady load. But bursts of
two servers can take turns every few milliseconds, and so whatever else the machine does meets both; of loads
that take turns of a second it meets one.
"""

import gc
import random
import re
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.benchmarks.load import call_of, posted
from tests.benchmarks.processes import Client

__all__ = ["in_bursts"]

_WARM = 20
_SECONDS = 30.0
"""A server that has not answered within this has failed."""

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


def in_bursts(clients: Mapping[str, Client], *, connections: int, bursts: int) -> dict[str, list[float]]:
    """Return how long each client's bursts took, in seconds; what stands at the same place belongs together.

    Blocks, and so is for a thread of its own.

    Raises:
        RuntimeError: a call has failed.
    """
    took: dict[str, list[float]] = {name: [] for name in clients}
    callers = {name: _Crowd(client, connections) for name, client in clients.items()}
    order = list(clients)
    gc.collect()
    try:
        for burst in range(-_WARM, bursts):
            random.shuffle(order)
            for name in order:
                seconds = callers[name].burst()
                if burst >= 0:
                    took[name].append(seconds)
    finally:
        for caller in callers.values():
            caller.close()
    return took


class _Crowd:
    """Connections to one server, and the call that each of them makes again and again."""

    def __init__(self, client: Client, connections: int) -> None:
        parts = urlsplit(client.url)
        address = (parts.hostname or "", parts.port or 80)
        self._lines = [socket.create_connection(address, _SECONDS) for _ in range(connections)]
        for line in self._lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # No session allows an id that is in use.
        self._calls = [posted(client, call_of(client) | {"id": number}) for number in range(connections)]

    def burst(self) -> float:
        """Send everything, wait for all answers, and return seconds."""
        started = time.perf_counter()
        for line, call in zip(self._lines, self._calls, strict=True):
            line.sendall(call)
        answers = [_answer(line) for line in self._lines]
        seconds = time.perf_counter() - started
        if not all(
            answer.startswith(b"HTTP/1.1 200 ") and b'"isError":false' in answer for answer in answers
        ):
            raise RuntimeError("a call has failed")
        return seconds

    def close(self) -> None:
        """Close the connections."""
        for line in self._lines:
            line.close()


def _answer(line: socket.socket) -> bytes:
    answer = line.recv(65536)
    while not _whole(answer):
        more = line.recv(65536)
        if not more:
            raise RuntimeError("the server has closed a connection")
        answer += more
    return answer


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(found) and len(body) >= (int(length[1]) if length else 0)
