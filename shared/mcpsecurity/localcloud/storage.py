"""The folder in which a local cloud keeps its keys: private, locked, written atomically."""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make `folder` (0700) if it is missing and hold its lock, so that of two processes one waits.

    The lock is the operating system's and ends with the process. Blocks: call it off the event loop.

    Raises:
        PermissionError: another user could have put keys into it, or could replace them.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_if_others_may_write(folder)
    with FileLock(folder / ".lock", mode=0o600, fallback_to_soft=False):
        yield


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX

    def _refuse_if_others_may_write(_folder: Path) -> None:
        """Trust the folder's access list."""

else:

    def _refuse_if_others_may_write(folder: Path) -> None:
        status = folder.stat()
        if status.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, f"the folder {folder} belongs to somebody else")
        if status.st_mode & stat.S_IWOTH:
            raise PermissionError(errno.EPERM, f"everybody may write to the folder {folder}: chmod o-w")


def write_private(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step, readable by its owner only (0600)."""
    _write(path, content, 0o600)


def write_public(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step, readable by everyone (0644)."""
    _write(path, content, 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
