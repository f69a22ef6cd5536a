"""Programs in Python whose packages ours cannot have beside its own, installed as a lock file says."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

__all__ = ["python_environment"]

_SECONDS = 110


def python_environment(folder: Path) -> Path:
    """Install what `requirements.lock` lists, if it has changed since; return the environment's interpreter.

    Raises:
        CalledProcessError: a package is not to be had.
    """
    environment = folder / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    lock, stamp = folder / "requirements.lock", environment / ".installed"
    digest = sha256(lock.read_bytes()).hexdigest()
    with FileLock(folder / ".venv.lock"):  # tests run in several processes
        if not stamp.exists() or stamp.read_text("utf-8") != digest:
            _uv("venv", "--clear", "--python", sys.executable, str(environment))
            options = ["--python", str(python), "--no-deps", "--require-hashes"]
            _uv("pip", "install", *options, "-r", str(lock))
            stamp.write_text(digest, "utf-8")
    return python


def _uv(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("uv")), "--quiet", *arguments]
    subprocess.run(command, check=True, timeout=_SECONDS)  # noqa: S603 - uv itself
