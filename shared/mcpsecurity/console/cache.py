"""Where tokens are kept between two runs: encrypted by the operating system, or not at all."""

import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msal  # type: ignore[import-untyped] # ships no types
from filelock import AsyncFileLock
from msal_extensions import FilePersistence, PersistedTokenCache, build_encrypted_persistence
from msal_extensions.persistence import BasePersistence

from mcpsecurity.client import ServerUnavailableError
from mcpsecurity.client.oauth import GrantStore, MemoryStore
from mcpsecurity.runtime.threads import in_daemon_thread
from mcpsecurity.sentences import Sentence

_RENEWAL_SECONDS: Final = 30.0
_STALE_SECONDS: Final = 30.0


def open_token_cache(path: Path) -> tuple[msal.TokenCache, str | None]:
    """Return the token cache kept in `path`, and a remark for the person when nothing can be kept.

    Encryption is by DPAPI on Windows, the keychain on macOS, and libsecret on Linux. Where there is none of
    it, tokens live as long as the program: they are never written unencrypted.
    """
    persistence, remark = _encrypted(path)
    if persistence is None:
        return msal.TokenCache(), remark
    lock = path.with_name(f"{path.name}.lockfile")
    remove_stale(lock)
    return PersistedTokenCache(persistence, str(lock)), remark


def remove_stale(lock: Path) -> None:
    """Remove the lock file of a token cache that a program has left which was killed.

    It is held for the moment of a write. MSAL would wait for its end in vain, each time.
    """
    with contextlib.suppress(OSError):
        if time.time() - lock.stat().st_mtime > _STALE_SECONDS:
            lock.unlink()


def open_grant_store(path: Path) -> tuple[GrantStore, str | None]:
    """Return what keeps the tokens of another authorization server in `path`, as `open_token_cache` does."""
    persistence, remark = _encrypted(path)
    if persistence is None:
        return MemoryStore(), remark
    return PersistedGrant(persistence, path.with_name(f"{path.name}.lock")), remark


class PersistedGrant:
    """A `GrantStore` that keeps its text where `persistence` does. What cannot be read there was not kept.

    Programs that renew it take turns by the file `lock`, for which they wait so many `seconds`.
    """

    def __init__(
        self, persistence: BasePersistence, lock: Path, *, seconds: float = _RENEWAL_SECONDS
    ) -> None:
        self._persistence = persistence
        self._lock = lock
        self._seconds = seconds

    async def load(self) -> str | None:
        """Return what was saved last, if anything."""
        try:
            return str(await in_daemon_thread(self._persistence.load))
        except (OSError, RuntimeError, ValueError):
            return None

    async def save(self, text: str | None) -> None:
        """Keep a text; None forgets it."""
        await in_daemon_thread(lambda: self._persistence.save(text or ""))

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """Keep other programs from renewing the grant meanwhile.

        Raises:
            ServerUnavailableError: another program does not come to an end with it.
        """
        # No soft lock: that would outlive a program that was killed.
        lock = AsyncFileLock(self._lock, timeout=self._seconds, mode=0o600, fallback_to_soft=False)
        try:
            await lock.acquire()
        except OSError as error:  # a TimeoutError is one
            text = Sentence("The sign-in is not renewed: its file is in use by another program.")
            raise ServerUnavailableError(text) from error
        try:
            yield
        finally:
            await lock.release()


def _encrypted(path: Path) -> tuple[BasePersistence | None, str | None]:
    """Return what writes to `path` encrypted, or a remark for the person."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        persistence = build_encrypted_persistence(str(path))
    except (ImportError, OSError, RuntimeError, ValueError):  # libsecret missing, or no secret service runs
        return None, "This system has no keyring: you will sign in again next time."
    if isinstance(persistence, FilePersistence) and not persistence.is_encrypted:
        return None, "Tokens cannot be encrypted here: you will sign in again next time."
    return persistence, None
