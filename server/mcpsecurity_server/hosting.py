"""Serves any program of the MCP SDK with the same protection as this server's own tools."""

from typing import Any

from aiohttp import web

from mcpsecurity.settings import settings_of
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_server.transport import Program

__all__ = ["create_protected_app"]


def create_protected_app(mcp: Program | None, **settings: Any) -> web.Application:
    """Return an application that serves `mcp` behind access tokens; None serves this product's own tools.

    `settings` are fields of `ServerSettings` by name; the environment and `.env` play no part.

    Raises:
        SettingsError: a setting is missing, wrong or unknown.
    """
    return create_app(settings_of(ServerSettings, **settings), mcp)
