"""Any FastMCP instance behind the same protection as this server's own tools, in one call."""

from typing import Any

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.settings import settings_of
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

__all__ = ["hosted"]


def hosted(mcp: FastMCP[Any] | None, **settings: Any) -> web.Application:
    """Return an application that serves `mcp`, or this product's own tools for None.

    `settings` are fields of `ServerSettings` by name; the environment and `.env` play no part.

    Raises:
        SettingsError: a setting is missing or wrong, or there is none of this name.
    """
    return create_app(settings_of(ServerSettings, **settings), mcp)
