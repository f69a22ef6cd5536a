"""MCP bundles: the `manifest.json` of one that is unpacked."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcpsecurity.own_servers.entries import server_of
from mcpsecurity.own_servers.found import FoundServer, LeftOutError, object_in
from mcpsecurity.own_servers.placeholders import Input, Places


def bundled(title: str, manifest: Mapping[str, Any], places: Places) -> FoundServer:
    """Return the server of a manifest: https://github.com/modelcontextprotocol/mcpb, MANIFEST.md.

    Raises:
        LeftOutError: it does not run here, or needs something.
    """
    platforms = object_in(manifest, "compatibility").get("platforms")
    if isinstance(platforms, list) and sys.platform not in platforms:
        raise LeftOutError(f"it runs on {', '.join(map(str, platforms))} only")
    server = object_in(manifest, "server")
    entry = object_in(server, "mcp_config") or _of_uv(server)
    entry = {**entry, **object_in(object_in(entry, "platform_overrides"), sys.platform)}
    return server_of(title, {**entry, "cwd": str(places.own)}, replace(places, inputs=_inputs(manifest)))


def _of_uv(server: Mapping[str, Any]) -> dict[str, Any]:
    if server.get("type") != "uv" or not server.get("entry_point"):
        raise LeftOutError("its manifest does not say how it starts")
    return {"command": "uv", "args": ["run", "--directory", "${__dirname}", server["entry_point"]]}


def _inputs(manifest: Mapping[str, Any]) -> dict[str, Input]:
    inputs = dict[str, Input]()
    config = object_in(manifest, "user_config")
    for name in config:
        wanted = object_in(config, name)
        inputs[name] = Input(
            about=str(wanted.get("title") or wanted.get("description") or ""),
            secret=wanted.get("sensitive") is True,
            needed=wanted.get("required") is True,
            default=_default(wanted.get("default"), many=wanted.get("multiple") is True),
        )
    return inputs


def _default(default: Any, *, many: bool) -> str | tuple[str, ...] | None:
    if isinstance(default, list):
        return tuple(map(str, default))
    if many and default is None:
        return None
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if default is not None else None
