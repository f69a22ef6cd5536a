"""The official SDK 2.x in an environment of its own, as the lock file beside this one says.

Our own environment has the SDK 1.x, and semantic-kernel needs that. To resolve the lock again:
`uv pip compile requirements.in --generate-hashes --universal --python-version 3.11 --no-header --no-annotate
--no-emit-index-url -o requirements.lock`.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.programs import listens
from tests.support.python_environment import python_environment

__all__ = ["PROGRAMS", "run_program", "sdk2_python", "serving_program"]

_FOLDER = Path(__file__).parent
PROGRAMS = _FOLDER / "programs"


def sdk2_python() -> Path:
    """Return the environment's interpreter; it is made if the lock file has changed since."""
    return python_environment(_FOLDER)


async def run_program(name: str, job: Any, *, seconds: float = 60.0) -> Any:
    """Give a program a job as JSON and return its answer, which is JSON.

    Raises:
        TimeoutError: it has not ended after `seconds`; it is killed.
        RuntimeError: it failed; the text is what it said.
    """
    process = await asyncio.create_subprocess_exec(
        sdk2_python(),
        PROGRAMS / name,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(json.dumps(job).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(errors.decode()[-4000:])
    return json.loads(output)


@asynccontextmanager
async def serving_program(name: str, *arguments: str) -> AsyncIterator[str]:
    """Run a program that serves MCP on the port that is its first argument; give its address.

    Raises:
        TimeoutError: it does not listen after 30 s.
    """
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sdk2_python(),
        PROGRAMS / name,
        str(port),
        *arguments,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    )
    try:
        async with asyncio.timeout(90):
            while not await listens(port):  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        await process.wait()
