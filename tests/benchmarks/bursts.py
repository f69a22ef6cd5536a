"""What a call takes more than another one, over HTTP: in bursts of 128 calls on some connections.

A server that has got a burst works until it has answered the last call, as under a steady load: a connection
gets its next call as soon as it has answered one, while the others have theirs waiting. But bursts of two
servers can take turns every few milliseconds, so that other load of the machine meets both; with turns of
a second it would meet one. Two processes of one program differ, too, and by more than that: so each round has
new ones, and counts once, and there are many rounds of few bursts.
"""

import asyncio
import gc
import random
import socket
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.benchmarks.eras import without_session
from tests.benchmarks.load import call_of, is_good, is_whole, posted
from tests.benchmarks.processes import Client
from tests.benchmarks.ratios import Times, in_pairs, in_rounds
from tests.benchmarks.table import subject

from mcpsecurity.localcloud import LocalCloud

__all__ = ["Bursts", "compared_in_bursts"]

_CONNECTIONS: Final = (8, 64)
_CALLS: Final = 128
_BURSTS: Final = 40
"""Bursts of everybody in a round."""

_WARM = 3
_SECONDS = 30.0
"""A server that has not answered within this has failed."""


class Bursts:
    """How long the bursts of each caller took, in seconds, in each round, by the number of connections.

    Callers are `ours` in a session, `stateless` without one, and those of the table by their names there.
    """

    def __init__(self) -> None:
        self.rounds: dict[int, list[dict[str, list[float]]]] = {
            connections: [] for connections in _CONNECTIONS
        }

    def times(self, ones: str, others: str, connections: int) -> Times:
        """Return how many times as long the ones took as the others. The error is that between the rounds."""
        return in_rounds([in_pairs(took[ones], took[others]) for took in self.rounds[connections]])


async def compared_in_bursts(cloud: LocalCloud, folder: Path, *, rounds: int) -> Bursts:
    """Measure what is nearly as fast as this server, with new processes in each round."""
    found = Bursts()
    for _ in range(rounds):
        async with AsyncExitStack() as stack:
            clients: dict[str, Client] = {}
            for name in ("ours", "open", "bare", "tiny"):
                log = folder / f"bursts-{name}.log"
                _, clients[name] = await stack.enter_async_context(subject(name, cloud, log))
            clients["stateless"] = without_session(clients["ours"])
            for connections in _CONNECTIONS:
                took = await asyncio.to_thread(_in_bursts, clients, connections)
                found.rounds[connections].append(took)
    return found


def _in_bursts(clients: Mapping[str, Client], connections: int) -> dict[str, list[float]]:
    """Return how long each client's bursts took. Raises `RuntimeError` if a call failed."""
    took: dict[str, list[float]] = {name: [] for name in clients}
    callers = {name: _Crowd(client, connections) for name, client in clients.items()}
    order = list(clients)
    gc.collect()
    try:
        for burst in range(-_WARM, _BURSTS):
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
        pairs = list(zip(self._lines, self._calls, strict=True))
        answers: list[bytes] = []
        for line, call in pairs:
            line.sendall(call)
        for _ in range(_CALLS // len(pairs) - 1):
            for line, call in pairs:
                answers.append(_answer(line))
                line.sendall(call)
        answers += [_answer(line) for line, _ in pairs]
        seconds = time.perf_counter() - started
        if not all(map(is_good, answers)):
            raise RuntimeError("a call has failed")
        return seconds

    def close(self) -> None:
        """Close the connections."""
        for line in self._lines:
            line.close()


def _answer(line: socket.socket) -> bytes:
    answer = line.recv(65536)
    while not is_whole(answer):
        more = line.recv(65536)
        if not more:
            raise RuntimeError("the server has closed a connection")
        answer += more
    return answer
