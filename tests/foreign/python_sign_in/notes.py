"""An MCP server whose people sign in at an authorization server in Python beside it, on the same port."""

from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from pydantic import AnyHttpUrl

OURS = ("/mcp", "/.well-known/oauth-protected-resource/mcp")
Verify = Callable[[str], Awaitable[AccessToken | None]]


class _Verifier:
    def __init__(self, verify: Verify) -> None:
        self.verify_token = verify


def serve(port: int, issuer: str, scope: str, verify: Verify, others: Any) -> None:
    """Serve the tool `whoami`; `others` is the ASGI application of the authorization server."""
    auth = AuthSettings(
        issuer_url=AnyHttpUrl(issuer),
        resource_server_url=AnyHttpUrl(f"http://127.0.0.1:{port}/mcp"),
        required_scopes=[scope],
    )
    mcp: FastMCP[Any] = FastMCP("Notes", token_verifier=_Verifier(verify), auth=auth, log_level="ERROR")

    @mcp.tool()
    def whoami() -> str:
        """Say who is signed in."""
        token = get_access_token()
        return str(token.subject) if token is not None else "nobody"

    own = mcp.streamable_http_app()

    async def both(request: Any, receive: Any, send: Any) -> None:
        is_ours = request["type"] == "lifespan" or request["path"] in OURS
        await (own if is_ours else others)(request, receive, send)

    uvicorn.run(both, host="127.0.0.1", port=port, log_level="error")
