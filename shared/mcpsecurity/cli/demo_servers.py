"""The demo's chat with further MCP servers: options become a setting of the web client."""

import json
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_URL = re.compile(r"https?://[^/\s]+(/\S*)?")
_COMMAND = re.compile(r"[\w./\\~@-]+ [^\r\n]+")
_SERVE_BY_HTTP = (
    "{command!r} is a command, of a server with the stdio transport. The chat speaks HTTP: run "
    "`uvx mcp-proxy --port 3001 -- {command}` in another terminal, and write NAME=http://127.0.0.1:3001/mcp"
)
_TAKEN = "tools"
"""The plugin of the demo's own server."""


class ServerOptionError(ValueError):
    """An MCP server that the chat cannot be given; the message says what to write."""


def servers_setting(options: Iterable[str]) -> str:
    """Return `WEBCLIENT_MCP_SERVERS` for options of the form `URL` or `NAME=URL`; no token is sent to them.

    A server without a name is shown by its host and port.

    Raises:
        ServerOptionError: one is of another form, or two have one name.
    """
    names: set[str] = {_TAKEN}
    servers = []
    for number, option in enumerate(options, 1):
        name, equals, url = option.partition("=")
        title = name
        if not equals or "://" in name:
            name, url = f"Server{number}", option
            title = urlsplit(option).netloc
        if _COMMAND.fullmatch(url):
            raise ServerOptionError(_SERVE_BY_HTTP.format(command=url))
        if not _NAME.fullmatch(name) or not _URL.fullmatch(url):
            raise ServerOptionError(f"{option!r}: write http://HOST:PORT/mcp, or NAME=http://HOST:PORT/mcp")
        if name.replace("-", "_").lower() in names:
            raise ServerOptionError(f"{option!r}: there is a server named {name} already; write NAME=URL")
        names.add(name.replace("-", "_").lower())
        servers.append({"name": name, "title": title, "url": url})
    return json.dumps(servers)
