"""Tokens that are kept between two runs, one of which was killed."""

import asyncio
import os
import sys
import time
from pathlib import Path

import msal  # type: ignore[import-untyped] # it has no types
import pytest
from msal_extensions import FilePersistence, PersistedTokenCache
from tests.support.eventually import eventually

from mcpsecurity.client import ServerUnavailableError
from mcpsecurity.console.cache import PersistedGrant, remove_stale

ACCOUNT = msal.TokenCache.CredentialType.ACCOUNT
HOLD = """
import asyncio, sys
from pathlib import Path
from msal_extensions import FilePersistence
from mcpsecurity.console.cache import PersistedGrant

async def main():
    async with PersistedGrant(FilePersistence(sys.argv[1]), Path(sys.argv[2])).renewing():
        Path(sys.argv[3]).touch()
        await asyncio.sleep(600)

asyncio.run(main())
"""


def grant(folder: Path, seconds: float = 30) -> PersistedGrant:
    return PersistedGrant(FilePersistence(str(folder / "grant")), folder / "lock", seconds=seconds)


def test_a_lock_that_a_killed_program_left_does_not_hold_up_the_next(tmp_path: Path) -> None:
    lock = tmp_path / "tokens.lockfile"
    lock.write_text("1 a program that was killed", "utf-8")
    os.utime(lock, (time.time() - 60,) * 2)
    remove_stale(lock)
    cache = PersistedTokenCache(FilePersistence(str(tmp_path / "tokens")), str(lock))
    cache.modify(ACCOUNT, {"home_account_id": "a", "environment": "b", "realm": "c"}, {"username": "alice"})
    assert [found["username"] for found in cache.search(ACCOUNT)] == ["alice"]


def test_a_lock_that_is_held_stays(tmp_path: Path) -> None:
    lock = tmp_path / "tokens.lockfile"
    lock.write_text("1 a program that writes", "utf-8")
    remove_stale(lock)
    assert lock.exists()
    remove_stale(tmp_path / "none")


async def test_one_renews_a_grant_at_a_time(tmp_path: Path) -> None:
    order = list[str]()

    async def second() -> None:
        async with grant(tmp_path).renewing():
            order.append("second")

    async with grant(tmp_path).renewing():
        waiting = asyncio.create_task(second())
        await asyncio.wait({waiting}, timeout=0.2)
        order.append("first")
        assert (tmp_path / "lock").stat().st_mode & 0o077 == 0
    await waiting
    assert order == ["first", "second"]


async def test_a_turn_to_renew_that_does_not_come_is_an_error(tmp_path: Path) -> None:
    async with grant(tmp_path).renewing():
        with pytest.raises(ServerUnavailableError, match="in use by another program"):
            async with grant(tmp_path, seconds=0.1).renewing():
                pass


async def test_a_program_that_is_killed_while_it_renews_leaves_no_lock(tmp_path: Path) -> None:
    held = tmp_path / "held"
    files = (tmp_path / "grant", tmp_path / "lock", held)
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, *map(str, files))
    await eventually(held.exists, seconds=30)
    with pytest.raises(ServerUnavailableError):
        async with grant(tmp_path, seconds=0.1).renewing():
            pass
    holder.kill()
    async with grant(tmp_path).renewing():
        pass
    await holder.wait()
