"""Tokens that are kept between two runs, the first of which was killed."""

import os
import time
from pathlib import Path

import msal  # type: ignore[import-untyped] # it has no types
from msal_extensions import FilePersistence, PersistedTokenCache

from mcpsecurity.console.cache import remove_stale

ACCOUNT = msal.TokenCache.CredentialType.ACCOUNT


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
