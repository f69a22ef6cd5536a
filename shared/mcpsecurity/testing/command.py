"""A server that runs as a program of its own: any language, any SDK."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcpsecurity.runtime.loopback import listens

_LOOK_SECONDS = 0.05
_STOP_SECONDS = 5.0
_TAIL = 4000
_LOOPBACK = ("127.0.0.1", "::1")
"""Where "localhost" is: programs of Node.js may listen on the second only."""


@dataclass(frozen=True)
class ServerCommand:
    """How to start a server, `ServerCommand(["python", "server.py", "{port}"])`.

    It gets the port to listen on in `PORT` and in place of `{port}`, its own address in `MCP_SERVER_URL`, and
    the local tenant's settings: see `LocalStack.environment_of`.

    Attributes:
        arguments: the program and its arguments.
        folder: where it runs; None is here.
        environment: further environment variables.
        path: the path of its MCP endpoint.
        seconds: how long it may take until it listens.
    """

    arguments: Sequence[str]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/mcp"
    seconds: float = 30.0


class RunningCommand:
    """A server's process and those that it starts, from its start to `stop`, which may be called twice.

    Args:
        find: finds a program's file by its name and PATH. On Windows `npx` is `npx.cmd`, which only a shell
            finds by itself.
    """

    def __init__(
        self,
        command: ServerCommand,
        port: int,
        environment: Mapping[str, str],
        find: Callable[[str, str | None], str | None] = lambda name, path: shutil.which(name, path=path),
    ) -> None:
        program, *arguments = (argument.replace("{port}", str(port)) for argument in command.arguments)
        env = {**os.environ, **environment, **command.environment, "PORT": str(port)}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - `stop` closes it
        self._process = subprocess.Popen(  # noqa: S603 - the test's own program
            [find(program, env.get("PATH")) or program, *arguments],
            cwd=command.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            **_OWN_GROUP,
        )
        try:
            self._wait(port, command.seconds)
        except BaseException:
            self.stop()
            raise

    def _wait(self, port: int, seconds: float) -> None:
        """Wait until it listens.

        Raises:
            RuntimeError: it ended, or does not listen in time; the text has the end of what it printed.
        """
        deadline = time.monotonic() + seconds
        while True:
            if (status := self._process.poll()) is not None:
                raise RuntimeError(f"The server ended with status {status}:\n{self.output}")
            if any(listens(host, port, _LOOK_SECONDS) for host in _LOOPBACK):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"The server does not listen after {seconds:g} s:\n{self.output}")
            time.sleep(_LOOK_SECONDS)

    @property
    def output(self) -> str:
        """The end of what it printed."""
        if self._log.closed:
            return ""
        self._log.seek(0)
        return self._log.read()[-_TAIL:].decode(errors="replace")

    def stop(self) -> None:
        """Ask it to end, and end it, and what it has started, after five seconds."""
        if self._process.poll() is None:
            _ask_group(self._process)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
            _end_group(self._process)
            self._process.wait()
        self._log.close()


if sys.platform == "win32":  # pragma: no cover - the tests run on POSIX
    _OWN_GROUP: dict[str, Any] = {}

    def _ask_group(process: subprocess.Popen[bytes]) -> None:
        """Windows has no such request for programs without a window."""
        _end_group(process)

    def _end_group(process: subprocess.Popen[bytes]) -> None:
        tree = ["taskkill", "/PID", str(process.pid), "/T", "/F"]  # `npx.cmd` is a shell, which runs Node
        subprocess.run(tree, capture_output=True, check=False, timeout=30)  # noqa: S603 - fixed above

else:
    _OWN_GROUP: dict[str, Any] = {"process_group": 0}

    def _ask_group(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)

    def _end_group(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where all have ended
            os.killpg(process.pid, signal.SIGKILL)
