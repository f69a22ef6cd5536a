"""`make soak`: faults come in turn while people use the chat, then a crowd comes; at the end all is counted.

python -m tests.scaling.soak [--minutes 9] [--people 500]
"""

import argparse
import asyncio
import itertools
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import aiohttp
from tests.scaling.load import chat_on, told
from tests.scaling.topology import Topology, running_topology
from tests.support.programs import Program, clock_shifted_by
from tests.webclient.person import Event, WebPerson

from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.testing import LocalStack

__all__ = ["PEOPLE", "Tally", "Visit", "disturbances", "visited"]

ASK = "Please generate a random number between 1 and 6"
DECLINED_ASK = "What is the weather in Zurich?"
TOOL, DECLINED_TOOL = "get_random_number", "get_city_weather"
PEOPLE = 12
BOUND = 15 * 60.0
_PATIENCE = 120.0
_AWAY = 30.0


@dataclass
class Tally:
    """What happened."""

    approved: int = 0
    declined: int = 0
    completed: int = 0
    disturbed: int = 0
    signed_in_again: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


class Visit:
    """One person, and all that the chat has shown her as sent or answered."""

    def __init__(self, person: WebPerson, tally: Tally) -> None:
        self._person = person
        self._tally = tally
        self._mark = f"({person.oid[-6:]} "
        self._sent: list[str] = []
        self._answers: dict[str, str] = {}
        self._chat_id = person.chat_id

    async def use(self, until: float) -> None:
        """Talk until the time is over, and look at the end whether all that was shown is there."""
        for number in itertools.count():
            if time.monotonic() > until:
                break
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._turn(number, approve=bool(number % 3))
                    self._tally.completed += 1
            except (aiohttp.ClientError, AssertionError, EOFError, TimeoutError, OSError):
                self._tally.disturbed += 1
                await asyncio.sleep(0.5)
                await self._sign_in_again()
        await self._compare()

    async def _turn(self, number: int, *, approve: bool) -> None:
        words = f"{ASK if approve else DECLINED_ASK} {self._mark}{number})"
        async with self._person.page() as page:
            for left in page.snapshot["calls"]:
                if left["status"] == "proposed":  # when a replica ended; it waits on
                    await self._decide(left, approve=left["tool"] == TOOL)
            if page.snapshot["run"] is not None:
                await page.until("run.done")
            status, body = await self._person.command("messages", text=words)
            if status != 202:
                raise ConnectionError(str(body))
            self._sent.append(words)
            call = (await page.until("tool.proposed"))["call"]
            await self._decide(call, approve=approve)
            await page.until("run.done", status="completed")
            if all(name != "toast" for name, _ in page.seen):  # which says that it is not saved yet
                said = [data["message"] for name, data in page.seen if name == "message.done"]
                self._answers |= {message["message_id"]: message["text"] for message in said}

    async def _decide(self, call: Event, *, approve: bool) -> None:
        # Counted before it is known whether it arrived: if the answer is lost it may have.
        self._tally.approved += approve
        self._tally.declined += not approve
        if await self._person.decide(call, "approve" if approve else "decline") != 202:
            raise ConnectionError("not decided")

    async def _sign_in_again(self) -> None:
        """Sign in if the session is gone, as it is with an empty Redis."""
        with suppress(aiohttp.ClientError, AssertionError, OSError, KeyError, ValueError):
            if (await self._person.read("/api/session"))[0] == 401:
                await self._person.sign_in(self._person.name)
                self._person.chat_id = self._chat_id
                self._tally.signed_in_again += 1

    async def _compare(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            while True:
                with suppress(aiohttp.ClientError, AssertionError, EOFError, OSError):
                    async with self._person.page() as page:
                        messages = page.snapshot["messages"]
                    break
                await asyncio.sleep(0.5)
                await self._sign_in_again()
        shown = [message["text"] for message in messages if message["role"] == "user"]
        answers = {message["message_id"]: message["text"] for message in messages}
        tally = self._tally
        tally.lost += [words for words in self._sent if words not in shown]
        tally.lost += [text for key, text in self._answers.items() if answers.get(key) != text]
        tally.twice += [words for words in set(shown) if shown.count(words) > 1]
        tally.foreign += [words for words in shown if self._mark not in words]


async def visited(
    topology: Topology,
    local: LocalStack,
    people: int,
    until: float,
    disturb: Callable[[], Awaitable[None]],
) -> tuple[Tally, bool]:
    """Let people use the chat until then while `disturb` runs; return what happened, and whether all held."""
    tally = Tally()
    made, not_to_make = await topology.calls_made(TOOL), await topology.calls_made(DECLINED_TOOL)
    async with AsyncExitStack() as entered, asyncio.TaskGroup() as group:
        for _ in range(people):
            person = await entered.enter_async_context(WebPerson(topology.url, local.cloud.ca_file))
            person.oid = f"10ca1c10-0d00-4000-8000-{secrets.token_hex(6)}"
            person.name = f"{person.oid[-12:]}@contoso.example"
            user = User("Somebody", person.name, person.oid, home_oid=person.oid)
            local.cloud.tenant.directory.users[person.name] = user
            await person.sign_in(person.name)
            group.create_task(Visit(person, tally).use(until))
        await disturb()
    await asyncio.sleep(2)  # what was done is in the logs
    made = await topology.calls_made(TOOL) - made
    not_to_make = await topology.calls_made(DECLINED_TOOL) - not_to_make
    held = not (tally.lost or tally.twice or tally.foreign or not_to_make)
    held = held and tally.completed > 0 and made <= tally.approved
    print(json.dumps(_figures(tally, made, not_to_make)), "ok" if held else "FAILED", flush=True)
    return tally, held


def _figures(tally: Tally, made: int, not_to_make: int) -> dict[str, int]:
    return {
        "turns": tally.completed,
        "turns cut by a fault": tally.disturbed,
        "signed in again": tally.signed_in_again,
        "approved": tally.approved,
        "calls made": made,
        "declined": tally.declined,
        "declined and made": not_to_make,
        "messages lost": len(tally.lost),
        "messages there twice": len(tally.twice),
        "messages of others": len(tally.foreign),
    }


def disturbances(topology: Topology, local: LocalStack) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return each fault by its name; when it returns, what it broke is on its way back."""

    async def restarted(program: Program, *, kill: bool = False) -> None:
        await program.stop(kill=kill)
        await program.start()

    async def hung(program: Program) -> None:
        os.kill(program.pid, signal.SIGSTOP)
        await asyncio.sleep(_AWAY)
        os.kill(program.pid, signal.SIGCONT)

    async def rolled() -> None:
        for replica in topology.replicas:
            await replica.restart()

    async def shifted() -> None:
        await topology.web[1].restart(**clock_shifted_by(50))
        await topology.mcp[1].restart(**clock_shifted_by(-50))

    async def rotated() -> None:
        local.faults.rotate_keys()

    return {
        "a web chat is killed": lambda: restarted(topology.web[0], kill=True),
        "a server is killed": lambda: restarted(topology.mcp[0], kill=True),
        "PostgreSQL is restarted": lambda: restarted(topology.database),
        "Redis is gone for 30 s": lambda: hung(topology.redis),
        "all replicas are restarted in turn": rolled,
        "signing keys are rotated": rotated,
        "Redis is restarted, empty": lambda: restarted(topology.redis),
        "clocks differ by 100 s": shifted,
        "a web chat is killed again": lambda: restarted(topology.web[1], kill=True),
        "a server is killed again": lambda: restarted(topology.mcp[1], kill=True),
    }


async def _soak(minutes: float, people: int) -> int:
    with LocalStack() as local:
        async with asyncio.timeout(BOUND), running_topology(local) as topology:
            until = time.monotonic() + minutes * 60

            async def disturb() -> None:
                for name, fault in itertools.cycle(disturbances(topology, local).items()):
                    await asyncio.sleep(10)
                    if time.monotonic() > until - 45:
                        return
                    print(f"{until - time.monotonic():4.0f} s left: {name}", flush=True)
                    await fault()

            _, held = await visited(topology, local, PEOPLE, until, disturb)
            await topology.mend()
            told(people, await chat_on(topology, local, people, messages=1, think=30))
    return 0 if held else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--people", type=int, default=500)
    chosen = parser.parse_args()
    sys.exit(asyncio.run(_soak(chosen.minutes, chosen.people)))
