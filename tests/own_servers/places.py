"""Files with MCP servers in a folder, and a person who is asked."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcpsecurity.own_servers import Found, FoundServer, Surroundings, read_servers


@dataclass
class Person:
    """Says what the table has, and remembers what was asked."""

    says: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def __call__(self, about: str, secret: bool) -> str | None:
        self.asked.append((about, secret))
        return self.says.get(about)


def write(file: Path, content: Any) -> Path:
    """Write a file as it is, or as JSON, with a folder for it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


def found_in(file: Path, content: Any, *, person: Person | None = None, **environment: str) -> Found:
    """Return what is found in a file with this content. Commands are looked for in its folder's `bin`."""
    for name in ("npx", "uvx", "docker", "node"):
        program = write(file.parent / "bin" / name, "")
        program.chmod(0o755)
    variables = {"PATH": str(file.parent / "bin")} | environment
    return read_servers(write(file, content), Surroundings(variables, person or Person()))


def only(found: Found) -> FoundServer:
    """Return the one server that is found."""
    assert found.left_out == ()
    [server] = found.servers
    return server
