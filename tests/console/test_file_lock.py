"""A lock by a file: one at a time, and none after its holder was killed."""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.support.eventually import eventually

from mcpsecurity.console.file_lock import locked

HOLD = """
import asyncio, sys
from pathlib import Path
from mcpsecurity.console.file_lock import locked

async def main():
    async with locked(Path(sys.argv[1]), seconds=30):
        Path(sys.argv[2]).touch()
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    order = list[str]()

    async def second() -> None:
        async with locked(tmp_path / "lock", seconds=30):
            order.append("second")

    async with locked(tmp_path / "lock", seconds=30):
        waiting = asyncio.create_task(second())
        await asyncio.wait({waiting}, timeout=0.2)
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_a_turn_that_does_not_come_is_an_error(tmp_path: Path) -> None:
    async with locked(tmp_path / "lock", seconds=30):
        with pytest.raises(TimeoutError):
            async with locked(tmp_path / "lock", seconds=0.1):
                pass


async def test_a_program_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    lock, held = tmp_path / "lock", tmp_path / "held"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, str(lock), str(held))
    await eventually(held.exists, seconds=30)
    with pytest.raises(TimeoutError):
        async with locked(lock, seconds=0.1):
            pass
    holder.kill()
    async with locked(lock, seconds=30):
        pass
    await holder.wait()
