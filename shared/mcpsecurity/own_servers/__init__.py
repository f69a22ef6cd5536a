"""MCP servers of a person's own, from the file that an editor or an assistant reads."""

from mcpsecurity.own_servers.files import FileError, read_servers
from mcpsecurity.own_servers.found import Client, Found, FoundServer, LeftOut, Tools
from mcpsecurity.own_servers.placeholders import Ask, Surroundings, not_asked

__all__ = [
    "Ask",
    "Client",
    "FileError",
    "Found",
    "FoundServer",
    "LeftOut",
    "Surroundings",
    "Tools",
    "not_asked",
    "read_servers",
]
