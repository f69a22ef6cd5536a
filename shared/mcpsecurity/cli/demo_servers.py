"""The demo's chat with MCP servers of the person's own: by option, or from the file that an editor reads."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcpsecurity.runtime.loopback import free_port
from mcpsecurity.server_headers import check_address

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_URL = re.compile(r"https?://[^/\s]+(/\S*)?")
_COMMAND = re.compile(r"(?:[A-Za-z]:)?[\w./\\~@-]+(?: [^\r\n]+)?")
_BAD_NAME = re.compile(r"[^=]* [^=]*=https?://.*")
_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_LEFT = re.compile(r"\$\{[^}]*\}")
_OF_THE_SERVER = ("ENTRA_", "MCPSECURITY_", "MCP_SERVER_")
_TAKEN = "tools"
"""The plugin of the demo's own server."""


class ServerOptionError(ValueError):
    """An MCP server that the chat cannot be given; the message says what to write."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """An MCP server at an address, or a command with the stdio transport that is to be served there.

    `variables` are those of a command besides the person's own, `folder` is where it runs.
    """

    name: str
    title: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path = field(default_factory=Path.cwd)

    def setting(self, scope: str) -> dict[str, object]:
        """Return its entry in `WEBCLIENT_MCP_SERVERS`; a command is served for tokens with `scope`."""
        entry: dict[str, object] = {"name": self.name, "title": self.title, "url": self.url}
        if self.command:
            entry["scope"] = scope
        if self.headers:
            entry["headers"] = dict(self.headers)
        if not self.command and not self.headers and self._may_get_tokens():
            entry["sign_in"] = "oauth"
        return entry

    def _may_get_tokens(self) -> bool:
        """Tell whether people may sign in where the server says: its address is encrypted, or is here."""
        try:
            check_address(self.url)
        except ValueError:
            return False
        return True


def own_servers(options: Iterable[str], file: Path | None = None) -> list[OwnServer]:
    """Return the servers of options of the form `[NAME=]URL` or `[NAME=]COMMAND`, and those of a file.

    A server without a name is shown by its host and port, or by its command.

    Raises:
        ServerOptionError: one is of another form, two have one name, or the file cannot be read.
    """
    servers = [_of_option(number, option) for number, option in enumerate(options, 1)]
    servers += _of_file(file) if file is not None else []
    names: set[str] = {_TAKEN}
    for server in servers:
        name = server.name.replace("-", "_").lower()
        if name in names:
            raise ServerOptionError(f"there is a server named {server.name} already; write NAME=URL")
        names.add(name)
    return servers


def _of_option(number: int, option: str) -> OwnServer:
    name, equals, rest = option.partition("=")
    named = bool(equals) and _NAME.fullmatch(name) is not None
    rest = rest if named else option
    if _URL.fullmatch(rest):
        return OwnServer(name if named else f"Server{number}", name if named else urlsplit(rest).netloc, rest)
    command = _words(rest) if _COMMAND.fullmatch(rest) and not _BAD_NAME.fullmatch(rest) else ()
    if len(command) > 1 or (command and shutil.which(command[0])):
        title = name if named else Path(command[0]).name
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


def _of_file(file: Path) -> list[OwnServer]:
    """Return the servers of an `mcp.json`, of VS Code (`servers`) or of other programs (`mcpServers`)."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ServerOptionError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        text = f"{file} is no JSON ({error}); comments and commas before a closing brace are not read"
        raise ServerOptionError(text) from error
    entries = content.get("mcpServers", content.get("servers")) if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise ServerOptionError(f'{file} has neither "mcpServers" nor "servers"')
    return [_of_entry(key, entry, file) for key, entry in entries.items() if _is_on(entry)]


def _is_on(entry: Any) -> bool:
    return not (isinstance(entry, dict) and (entry.get("disabled") is True or entry.get("enabled") is False))


def _of_entry(key: str, entry: Any, file: Path) -> OwnServer:
    where = f"{file}, {key}"
    if not isinstance(entry, dict):
        raise ServerOptionError(f"{where}: no object")
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", key).lstrip("-_0123456789")[:32] or "Server"
    url = entry.get("url") or entry.get("serverUrl") or entry.get("httpUrl")
    if entry.get("type") == "sse" or (isinstance(url, str) and url.rstrip("/").endswith("/sse")):
        raise ServerOptionError(
            f"{where}: HTTP+SSE is the transport before Streamable HTTP; many servers have /mcp, too"
        )
    if isinstance(url, str):
        filled = _filled(url, where)
        if not _URL.fullmatch(filled):
            raise ServerOptionError(f"{where}: its url is no http or https address")
        return OwnServer(name, key, filled, headers=_texts(entry, "headers", where))
    if not isinstance(entry.get("command"), str):
        raise ServerOptionError(f'{where}: it has neither a "url" nor a "command"')
    arguments = entry.get("args", [])
    if not isinstance(arguments, list):
        raise ServerOptionError(f"{where}: args is no list")
    words = (entry["command"], *map(str, arguments))
    return OwnServer(
        name,
        key,
        _free_address(),
        command=tuple(_filled(word, where) for word in words),
        variables=_variables(entry, where),
        folder=Path(_filled(str(entry.get("cwd", Path.cwd())), where)),
    )


def _variables(entry: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return the variables of a command. Raises `ServerOptionError` for one that would set up its server."""
    variables = _texts(entry, "env", where)
    for name in variables:
        if name.upper().startswith(_OF_THE_SERVER):
            raise ServerOptionError(
                f"{where}: {name} is a setting of the server that the demo puts before it"
            )
    return variables


def _texts(entry: Mapping[str, Any], name: str, where: str) -> dict[str, str]:
    values = entry.get(name) or {}
    if not isinstance(values, dict):
        raise ServerOptionError(f"{where}: {name} is no object")
    return {str(key): _filled(str(value), f"{where}, {name} {key}") for key, value in values.items()}


def _filled(text: str, where: str) -> str:
    """Return a text with the values of the variables that it names, as editors write them.

    Raises:
        ServerOptionError: a variable is not set, or the editor would ask for it.
    """
    places = {
        "${userHome}": str(Path.home()),
        "${workspaceFolder}": str(Path.cwd()),
        "${pathSeparator}": os.sep,
    }
    for place, value in places.items():
        text = text.replace(place, value)

    def value_of(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        value = os.environ.get(name, default)
        if value is None:
            raise ServerOptionError(f"{where}: the variable {name} is not set")
        return value

    left = _LEFT.search(_VARIABLE.sub("", text))
    if left is not None:
        raise ServerOptionError(
            f"{where}: {left[0]} is known to the editor only; write ${{NAME}} of a variable"
        )
    return _VARIABLE.sub(value_of, text)
