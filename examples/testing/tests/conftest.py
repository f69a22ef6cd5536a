"""Two fixtures tell the plugin what to test; everything else is there."""

from typing import Any

import pytest
from greeter.server import mcp
from mcp.server.fastmcp import FastMCP


@pytest.fixture(scope="session")
def mcp_under_test() -> FastMCP[Any]:
    return mcp


@pytest.fixture(scope="session")
def mcp_server_settings() -> dict[str, Any]:
    return {"tool_scopes": {"delete_all_cards": ("mcp:admin",)}}
