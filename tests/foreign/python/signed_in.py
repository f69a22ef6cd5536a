"""A FastMCP server whose people sign in at its own authorization server. The port is the first argument."""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider

port = int(sys.argv[1])
auth = InMemoryOAuthProvider(
    base_url=f"http://127.0.0.1:{port}",
    client_registration_options=ClientRegistrationOptions(enabled=True),
)
mcp = FastMCP("Signed in", auth=auth)


@mcp.tool
def whoami() -> str:
    """Say who is signed in."""
    return "a person"


mcp.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
