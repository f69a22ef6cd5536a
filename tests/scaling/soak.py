"""`make soak`: faults come in turn while people use the chat; at the end everything is counted.

python -m tests.scaling.soak [--minutes 10]
"""

import argparse
import asyncio
import itertools
import json
import secrets
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from tests.scaling.topology import Topology, running_topology
from tests.webclient.person import WebPerson

from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.testing import LocalStack

if TYPE_CHECKING:
    from tests.programs import Program

ASK = "Please generate a random number between 1 and 6"
TOOL = "get_random_number"
PEOPLE = 12
_PATIENCE = 120.0


@dataclass
class Tally:
    """What happened."""

    approved: int = 0
    declined: int = 0
    completed: int = 0
    disturbed: int = 0
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


async def _use(person: WebPerson, tally: Tally, until: float) -> None:
    """Talk until the time is over, and look after each turn that all that was shown as sent is there."""
    sent: list[str] = []
    for number in itertools.count():
        if time.monotonic() > until:
            break
        words = f"{ASK} ({person.oid[-6:]} {number})"
        try:
            async with asyncio.timeout(_PATIENCE):
                await _turn(person, words, sent, tally, approve=bool(number % 3))
                tally.completed += 1
        except (aiohttp.ClientError, AssertionError, EOFError, TimeoutError, OSError):
            tally.disturbed += 1
            await asyncio.sleep(0.5)
    await _compare(person, sent, tally)


async def _turn(person: WebPerson, words: str, sent: list[str], tally: Tally, *, approve: bool) -> None:
    async with person.page() as page:
        if page.snapshot["run"] is not None:
            await page.until("run.done")
        status, body = await person.command("messages", text=words)
        if status != 202:
            raise ConnectionError(str(body))
        sent.append(words)
        call = (await page.until("tool.proposed"))["call"]
        status = await person.decide(call, "approve" if approve else "decline")
        if status != 202:
            raise ConnectionError("not decided")
        tally.approved += approve
        tally.declined += not approve
        await page.until("run.done")


async def _compare(person: WebPerson, sent: list[str], tally: Tally) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            with suppress(aiohttp.ClientError, AssertionError, EOFError, OSError):
                async with person.page() as page:
                    messages = page.snapshot["messages"]
                break
            await asyncio.sleep(0.5)
    shown = [message["text"] for message in messages if message["role"] == "user"]
    tally.lost += [words for words in sent if words not in shown]
    tally.foreign += [words for words in shown if f"({person.oid[-6:]} " not in words]


async def _disturb(topology: Topology, until: float) -> None:
    """Bring one fault after another, with time to recover."""
    faults: list[tuple[Program, bool]] = [
        (topology.web[0], True),
        (topology.mcp[0], True),
        (topology.database, False),
        (topology.web[1], False),
        (topology.mcp[1], False),
    ]
    for program, kill in itertools.cycle(faults):
        await asyncio.sleep(10)
        if time.monotonic() > until - 20:
            return
        await program.stop(kill=kill)
        await program.start()


async def _soak(minutes: float) -> int:
    tally = Tally()
    with LocalStack() as local:
        async with running_topology(local) as topology, AsyncExitStack() as people:
            until = time.monotonic() + minutes * 60
            async with asyncio.TaskGroup() as group:
                for _ in range(PEOPLE):
                    person = await people.enter_async_context(WebPerson(topology.url, local.cloud.ca_file))
                    person.oid = f"10ca1c10-0d00-4000-8000-{secrets.token_hex(6)}"
                    name = f"{person.oid[-12:]}@contoso.example"
                    directory = local.cloud.tenant.directory
                    directory.users[name] = User("Somebody", name, person.oid, home_oid=person.oid)
                    await person.sign_in(name)
                    group.create_task(_use(person, tally, until))
                group.create_task(_disturb(topology, until))
            await asyncio.sleep(2)
            made = await topology.calls_made(TOOL)
    ok = not tally.lost and not tally.foreign and made <= tally.approved and tally.completed > 0
    figures = {
        "turns": tally.completed,
        "turns cut by a fault": tally.disturbed,
        "approved": tally.approved,
        "declined": tally.declined,
        "calls made": made,
        "messages lost": len(tally.lost),
        "messages of others": len(tally.foreign),
    }
    print(json.dumps(figures), "ok" if ok else "FAILED")
    return 0 if ok else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    sys.exit(asyncio.run(_soak(parser.parse_args().minutes)))
