"""llama.cpp's server in an environment of its own, as the lock file beside this one says.

To resolve the lock again: `uv pip compile requirements.in --no-deps --generate-hashes --universal
--python-version 3.11 --no-header --no-annotate --no-emit-index-url -o requirements.lock`.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.support.python_environment import python_environment

from mcpsecurity.testing import ServerCommand
from mcpsecurity.testing.command import RunningCommand

__all__ = ["NotInstalledError", "llama_python", "llama_server"]

_FOLDER = Path(__file__).parent
_SERVE = _FOLDER / "programs" / "serve.py"


class NotInstalledError(Exception):
    """The packages cannot be installed here."""


def llama_python() -> Path:
    """Return the interpreter that has llama.cpp; it is installed if the lock file has changed since.

    Raises:
        NotInstalledError: a package is not to be had for this machine.
    """
    try:
        return python_environment(_FOLDER)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from error


@contextmanager
def llama_server(python: Path, weights: Path, port: int, context: int) -> Iterator[str]:
    """Yield the base URL of a server that reads so many tokens, once it has loaded the model."""
    arguments = [str(python), str(_SERVE), str(port), str(weights), str(context)]
    running = RunningCommand(ServerCommand(arguments, seconds=60), port, {})
    try:
        _wait_until_loaded(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.stop()


def _wait_until_loaded(url: str) -> None:
    deadline = time.monotonic() + 60
    with httpx.Client(trust_env=False) as http:
        while http.get(url).status_code != 200:
            assert time.monotonic() < deadline, "the model is not loaded in time"
            time.sleep(0.1)
