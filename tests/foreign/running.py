"""What a foreign server is, and how one is run in an empty folder."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.foreign.environments import NODE_PATH
from tests.support.ports import free_port
from tests.support.programs import Program

__all__ = [
    "Command",
    "ForeignServer",
    "Running",
    "Serve",
    "Stdio",
    "Use",
    "Uses",
    "environment_in",
    "started",
]

Command = list[str]
Stdio = Callable[[Path], Command]
"""How to start a program in an empty folder that speaks over its standard streams."""
Serve = Callable[[Path, int], Command]
"""How to start a server in an empty folder on a port."""
Use = tuple[str, dict[str, Any]]
"""A tool or a prompt, and arguments."""

_WAIT: Use = ("wait", {"seconds": 30})


@dataclass(frozen=True)
class Uses:
    """What to ask a server.

    Attributes:
        calls: the first of them changes nothing.
        wrong: a call with arguments that do not fit.
        slow: a call that takes long.
        asks: a call that asks for a name.
        varies: names of tools whose results are never twice the same.
    """

    calls: tuple[Use, ...]
    wrong: Use
    slow: Use | None = _WAIT
    asks: Use | None = None
    prompts: tuple[Use, ...] = ()
    resources: tuple[str, ...] = ()
    varies: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ForeignServer:
    """A server, and how to start it.

    Attributes:
        stdio: how to start the server behind a gateway.
        quick: `make test` meets it, too.
    """

    name: str
    command: Serve
    uses: Uses
    stdio: Stdio | None = None
    address: str = "http://127.0.0.1:{port}/mcp"
    quick: bool = False

    def __str__(self) -> str:
        return self.name

    def has(self, what: str) -> bool:
        """Tell whether it has something that is named in `Uses`, or here."""
        return bool(getattr(self.uses, what, None) or getattr(self, what, None))


class Running(NamedTuple):
    """A server that runs: `program` can be stopped and started again."""

    server: ForeignServer
    program: Program
    url: str
    folder: Path

    def filled(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return arguments with the server's own folder and port in them."""
        text = json.dumps(arguments).replace("{folder}", str(self.folder))
        filled: dict[str, Any] = json.loads(text.replace("{port}", str(self.program.port)))
        return filled


def environment_in(folder: Path) -> dict[str, str]:
    """Return the environment of a server: nothing of this machine's but where programs are."""
    return {
        "PATH": NODE_PATH,
        "HOME": str(folder),
        "MEMORY_FILE_PATH": str(folder / "memory.jsonl"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
    }


@asynccontextmanager
async def started(server: ForeignServer, folder: Path) -> AsyncIterator[Running]:
    """Run a server in an empty folder."""
    port = free_port()
    environment = environment_in(folder) | {"PORT": str(port)}
    command = server.command(folder, port)
    program = Program(command, port, environment=environment, log=folder / "log.txt")
    await program.start()
    try:
        yield Running(server, program, server.address.format(port=port), folder)
    finally:
        await program.stop()
