"""Programs in JavaScript that the server is tried with, installed as the lock file beside this one says."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from tests.support.node import NODE, node_environment
from tests.support.node import install as install_packages

__all__ = ["Ended", "install", "run_program", "start_program"]

_FOLDER = Path(__file__).parent


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    output: str
    errors: str


def install() -> Path:
    """Install the programs if the lock file has changed since; return the folder of their packages."""
    return install_packages(_FOLDER)


async def start_program(name: str, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    """Start an installed program, `environment` added to ours. The caller ends it."""
    modules = install()
    return await asyncio.create_subprocess_exec(
        NODE,
        modules / ".bin" / name,
        *arguments,
        env=node_environment()
        | {"HOME": str(modules)}
        | environment,  # what it writes goes with the packages
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
