"""Many people chat at once, dealt out over two web chats: no event is lost, none is somebody else's.

    .venv/bin/python -m tests.scaling.load [--people 500] [--messages 2] [--think 45]

Everything is on this machine: two web chats, two MCP servers, Redis, PostgreSQL and nginx as processes, the
local cloud and the people in this one. An event that is lost or somebody else's ends the run with an error.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from statistics import median, quantiles

import psutil
from tests.benchmarks.crowd import Seen, chat_at_once, crowd
from tests.scaling.topology import Topology, running_topology

from mcpsecurity.testing import LocalStack

__all__ = ["Figures", "chat_on", "told"]


@dataclass
class Figures:
    """What was measured: seconds, and MiB of each web chat's process before and after."""

    seen: Seen
    signing_in: float
    lasted: float
    processor: list[float]
    before: list[float]
    after: list[float]


async def chat_on(
    topology: Topology, local: LocalStack, people: int, *, messages: int, think: float
) -> Figures:
    """Let that many people sign in, each open a page, and ask that often; everything they see is checked."""
    processes = [psutil.Process(replica.pid) for replica in topology.web]
    async with crowd(local.cloud, topology.url, 2) as first:
        await chat_at_once(first, messages=1, think=0)
    before, begun = _memory(processes), time.perf_counter()
    async with crowd(local.cloud, topology.url, people) as guests:
        signing_in, used = time.perf_counter() - begun, _used(processes)
        begun = time.perf_counter()
        seen = await chat_at_once(guests, messages=messages, think=think)
        lasted = time.perf_counter() - begun
        processor = [now - then for now, then in zip(_used(processes), used, strict=True)]
        return Figures(seen, signing_in, lasted, processor, before, _memory(processes))


def _memory(processes: list[psutil.Process]) -> list[float]:
    return [process.memory_info().rss / 2**20 for process in processes]


def _used(processes: list[psutil.Process]) -> list[float]:
    return [sum(process.cpu_times()[:2]) for process in processes]


async def _main(people: int, messages: int, think: float) -> None:
    with LocalStack() as local:
        async with running_topology(local, WEBCLIENT_CONNECTION_IDLE="10") as topology:
            found = await chat_on(topology, local, people, messages=messages, think=think)
    told(people, found)


def told(people: int, found: Figures) -> None:
    """Print the figures."""
    seen = found.seen
    late = quantiles(seen.first_words, n=20)[-1]
    grown = [now - then for now, then in zip(found.after, found.before, strict=True)]
    print(f"{people} people signed in after {found.signing_in:.0f} s")
    print(
        f"{seen.answers} answers with {seen.events} events in {found.lasted:.0f} s: none lost, none foreign"
    )
    print(
        f"first words: {median(seen.first_words) * 1000:.0f} ms at the median, {late * 1000:.0f} ms at 95 %"
    )
    print(f"processor time an answer: {sum(found.processor) / seen.answers * 1000:.0f} ms, both web chats")
    for name, value in (("memory in use", found.after), ("grown by", grown), ("busy", found.processor)):
        print(f"{name}: " + " and ".join(f"{v:.0f}" for v in value) + (" s" if name == "busy" else " MiB"))
    print(f"memory: {sum(grown) * 1024 / people:.0f} KiB for each conversation")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--messages", type=int, default=2)
    parser.add_argument("--think", type=float, default=45.0)
    chosen = parser.parse_args()
    asyncio.run(_main(chosen.people, chosen.messages, chosen.think))
