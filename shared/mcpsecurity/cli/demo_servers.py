"""MCP servers of the person's own, for demo and terminal chat: by option, or from the file of an editor."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click

from mcpsecurity.client.pipes import Command
from mcpsecurity.own_servers import (
    Ask,
    FileError,
    FoundServer,
    LeftOut,
    Surroundings,
    not_asked,
    read_servers,
)
from mcpsecurity.runtime.loopback import free_port
from mcpsecurity.server_headers import check_address

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_URL = re.compile(r"https?://[^/\s]+(/\S*)?")
_COMMAND = re.compile(r"(?:[A-Za-z]:)?[\w./\\~@-]+(?: [^\r\n]+)?")
_BAD_NAME = re.compile(r"[^=]* [^=]*=https?://.*")
_MAX_TITLE = 100
_MAX_PATTERN, _MAX_PATTERNS = 200, 500
_OF_SERVICES = (
    *("AZURE_", "ENTRA_", "FASTMCP_", "LOCALCLOUD_", "MCP_SERVER_", "MCPSECURITY_", "MICROSOFT_GRAPH_"),
    *("OPENAI_", "OPEN_METEO_", "OTEL_", "WEBCLIENT_"),
)
"""How variables begin that configure services, perhaps for a real tenant; the demo sets its own."""

_TAKEN = "tools"
"""The plugin of the demo's own server."""


class ServerOptionError(ValueError):
    """An MCP server that the chat cannot be given; the message says what to write."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """An MCP server at an address, or a command with the stdio transport that is to be served there.

    `variables` are those of a command besides the person's own, `folder` is where it runs, and `more` is what
    else the chat is told. The demo goes on without an `optional` server.
    """

    name: str
    title: str
    url: str
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path = field(default_factory=Path.cwd)
    more: Mapping[str, object] = field(default_factory=dict, repr=False)
    optional: bool = False

    def setting(self, scope: str) -> dict[str, object]:
        """Return its entry in `WEBCLIENT_MCP_SERVERS`; a command is served for tokens with `scope`."""
        entry: dict[str, object] = {"name": self.name, "title": self.title, "url": self.url}
        if self.command:
            entry["scope"] = scope
        if not self.command and "headers" not in self.more and self._may_get_tokens():
            entry["sign_in"] = "oauth"
        return {**entry, **self.more}

    def _may_get_tokens(self) -> bool:
        """Tell whether people may sign in where the server says: its address is encrypted, or is here."""
        try:
            check_address(self.url)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class OwnServers:
    """The servers of a person's own, and those of the file that are left out, with the reason."""

    servers: list[OwnServer]
    left_out: list[LeftOut] = field(default_factory=list)


def own_servers(options: Iterable[str], file: Path | None = None, ask: Ask = not_asked) -> OwnServers:
    """Return the servers of options of the form `[NAME=]URL` or `[NAME=]COMMAND`, and those of a file.

    A server without a name is shown by its host and port, or by its program or package.
    `ask` is asked for what the file leaves to the person.

    Raises:
        ServerOptionError: an option is of another form, two have one name, or the file cannot be read.
    """
    servers = list[OwnServer]()
    names: set[str] = {_TAKEN}
    for server in (_of_option(number, option) for number, option in enumerate(options, 1)):
        if _key(server.name) in names:
            raise ServerOptionError(f"there is a server named {server.name} already; write NAME=URL")
        names.add(_key(server.name))
        servers.append(server)
    if file is None:
        return OwnServers(servers)
    try:
        found = read_servers(file.expanduser(), Surroundings(os.environ, ask))
    except FileError as error:
        raise ServerOptionError(str(error)) from error
    servers += [_of_file(server, names) for server in found.servers]
    return OwnServers(servers, list(found.left_out))


def asker() -> Ask:
    """Return what asks the person at this terminal for what a file of MCP servers leaves to them."""
    return _asked if sys.stdin.isatty() else not_asked


def _asked(about: str, secret: bool) -> str | None:
    said: str = click.prompt(f"  {about}", default="", show_default=False, hide_input=secret, err=True)
    return said or None


def without_services(ambient: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that configure none of this product's services."""
    return {key: value for key, value in ambient.items() if not key.upper().startswith(_OF_SERVICES)}


def _of_option(number: int, option: str) -> OwnServer:
    name, equals, rest = option.partition("=")
    named = bool(equals) and _NAME.fullmatch(name) is not None
    rest = rest if named else option
    if _URL.fullmatch(rest):
        return OwnServer(name if named else f"Server{number}", name if named else urlsplit(rest).netloc, rest)
    command = _words(rest) if _COMMAND.fullmatch(rest) and not _BAD_NAME.fullmatch(rest) else ()
    if len(command) > 1 or (command and shutil.which(command[0])):
        title = name if named else Command(command).label
        return OwnServer(name if named else f"Server{number}", title, _free_address(), command=command)
    raise ServerOptionError(
        f"{option!r}: write http://HOST:PORT/mcp, NAME=http://HOST:PORT/mcp, or NAME='COMMAND ARGUMENTS'"
    )


def _free_address() -> str:
    return f"http://localhost:{free_port()}/mcp"


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command, posix=os.name != "nt"))
    except ValueError as error:
        raise ServerOptionError(f"{command!r}: a quotation mark has no partner") from error


def _of_file(found: FoundServer, names: set[str]) -> OwnServer:
    """Return a server of a file by a short name that no other has."""
    short = re.sub(r"[^A-Za-z0-9_-]+", "-", found.title).strip("-").lstrip("-_0123456789")[:28] or "Server"
    name = next(name for name in _numbered(short) if _key(name) not in names)
    names.add(_key(name))
    return OwnServer(
        name,
        found.title[:_MAX_TITLE],
        found.url or _free_address(),
        found.command,
        found.variables,
        found.folder,
        _more_settings(found),
        optional=True,
    )


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in range(2, 1000))


def _key(name: str) -> str:
    return name.replace("-", "_").lower()


def _more_settings(found: FoundServer) -> dict[str, object]:
    """Return what else the chat is told: headers, tools, and the client that signs people in."""
    more: dict[str, object] = {"headers": dict(found.headers)} if found.headers else {}
    if found.tools.include is not None:
        more["include"] = _patterns(found.tools.include)
    if found.tools.exclude:
        more["exclude"] = _patterns(found.tools.exclude)
    client = found.client
    if client is not None and "authorization" not in (name.lower() for name in found.headers):
        more |= {"sign_in": "oauth", "client_id": client.client_id}
        if client.secret and "${" not in client.secret:
            more["client_secret"] = client.secret
    return more


def _patterns(names: Iterable[str]) -> list[str]:
    return [name for name in names if 0 < len(name) <= _MAX_PATTERN][:_MAX_PATTERNS]
