"""A server that runs as a program of its own: any language, any SDK."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["RunningCommand", "ServerCommand", "free_port"]

_LOOK_SECONDS = 0.05
_STOP_SECONDS = 5.0
_TAIL = 4000


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
    """A server's process, from its start to `stop`, which may be called twice."""

    def __init__(self, command: ServerCommand, port: int, environment: Mapping[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - `stop` closes it
        self._process = subprocess.Popen(  # noqa: S603 - the test's own program
            [argument.replace("{port}", str(port)) for argument in command.arguments],
            cwd=command.folder,
            env={**os.environ, **environment, **command.environment, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
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
            with socket.socket() as probe:
                probe.settimeout(_LOOK_SECONDS)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
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
        """Ask it to end, and end it after five seconds."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
