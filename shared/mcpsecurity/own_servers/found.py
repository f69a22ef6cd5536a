"""The servers of a file: those that can be used, and those that are left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class LeftOutError(ValueError):
    """A server of the file cannot be used; the message says why, as the rest of a sentence on it."""


def object_in(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the object that an entry has by the first of these names; an empty one without.

    Raises:
        LeftOutError: it is something else.
    """
    for name in names:
        if (value := entry.get(name)) is not None:
            if not isinstance(value, dict):
                raise LeftOutError(f"its {name} is no object")
            return value
    return {}


@dataclass(frozen=True, slots=True)
class Client:
    """A client that signs people in at an authorization server."""

    client_id: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Tools:
    """Names of a server's tools: those to offer, None for all, and those that are not offered."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundServer:
    """An MCP server of a file: at an address, or a command with the stdio transport.

    Attributes:
        title: its name in the file.
        url: its address; empty for a command.
        headers: what is sent with each request to the address.
        client: the client that signs people in there, if the file names one.
        command: program and arguments.
        variables: those of the command besides the person's own.
        folder: where the command runs.
    """

    title: str
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    client: Client | None = None
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path = field(default_factory=Path.cwd)
    tools: Tools = Tools()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A server of the file that is not used, and why, as the rest of a sentence on it."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The servers of a file."""

    servers: tuple[FoundServer, ...]
    left_out: tuple[LeftOut, ...]
