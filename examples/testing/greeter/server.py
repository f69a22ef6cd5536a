"""An MCP server like yours: a FastMCP instance that knows nothing of tests."""

from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel, Field

mcp: FastMCP[Any] = FastMCP("Greeter", log_level="WARNING")


class Occasion(BaseModel):
    """The question before a card is written."""

    text: str = Field(title="What shall it say?")


@mcp.tool()
def greet() -> str:
    """Greet the caller by name."""
    token = get_access_token()
    name = (token.claims or {}).get("name") if token is not None else None
    return f"Hello, {name or 'stranger'}"


@mcp.tool()
async def write_card(recipient: str, ctx: Context[Any, Any, Any]) -> str:
    """Ask what a card shall say, and write it."""
    answer = await ctx.elicit(f"A card for {recipient}", Occasion)
    if answer.action != "accept":
        return "no card"
    return f"To {recipient}: {answer.data.text}"


@mcp.tool()
def delete_all_cards() -> str:
    """Delete all cards; needs the scope mcp:admin."""
    return "deleted"
