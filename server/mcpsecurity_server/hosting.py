"""Any FastMCP instance behind the same protection as this server's own tools, in one call."""

from typing import Any

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

__all__ = ["hosted"]


def hosted(mcp: FastMCP[Any] | None, **settings: Any) -> web.Application:
    """Return an application that serves `mcp`, or this product's own tools for None.

    `settings` are fields of `ServerSettings` by name; what is not given comes from the environment.

    Raises:
        pydantic.ValidationError: a setting is missing or wrong.
    """
    return create_app(ServerSettings(**settings), mcp)
