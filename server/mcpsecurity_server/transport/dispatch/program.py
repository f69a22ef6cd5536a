"""Programs that can be served. One whose features need another host is refused."""

import logging
from typing import Any, TypeAlias

from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server

from mcpsecurity_server.transport.dispatch.fastmcp_adapter import FastMcpAdapter
from mcpsecurity_server.transport.dispatch.server_adapter import ServerAdapter

Program: TypeAlias = FastMCP[Any] | Server[Any, Any]
"""What can be served."""

_log = logging.getLogger(__name__)


def adapter_of(program: object) -> ServerAdapter:
    """Return the transport's view of a program.

    Raises:
        TypeError: it is neither the official SDK's FastMCP nor its low-level Server.
        ValueError: it has a feature that only another host serves.
    """
    if isinstance(program, FastMCP):
        _check(program)
        return FastMcpAdapter(program)
    if isinstance(program, Server):
        return ServerAdapter(program)
    kind = program if isinstance(program, type) else type(program)
    raise TypeError(
        "mount_mcp serves an instance of mcp.server.fastmcp.FastMCP or mcp.server.lowlevel.Server (SDK 1.x), "
        f"not {kind.__module__}.{kind.__qualname__}. Programs of other SDKs serve themselves."
    )


def _check(program: FastMCP[Any]) -> None:
    """Refuse a program with features that would silently be missing. The names are the SDK's."""
    if routes := [getattr(route, "path", "?") for route in program._custom_starlette_routes]:  # noqa: SLF001 - the seam
        raise ValueError(
            f"The custom routes {', '.join(routes)} of {program.name!r} are Starlette's, and nobody would"
            " serve them: add them to the aiohttp application instead (app.router.add_get(…))."
        )
    if program.settings.stateless_http:
        raise ValueError(
            f"{program.name!r} has stateless_http=True, but clients of 2025 are served with sessions here"
            " (and those of 2026-07-28 without). Leave it out; several processes share sessions by `store`."
        )
    if program.settings.json_response:
        _log.warning(
            "json_response of %r changes nothing: answers are JSON unless a call has something to say before",
            program.name,
        )
