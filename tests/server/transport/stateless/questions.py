"""What the tools of these tests ask, and how."""

from typing import Any

from mcp.server.fastmcp import Context
from pydantic import BaseModel

__all__ = ["Color", "Name", "ToolContext", "ask"]

ToolContext = Context[Any, Any, Any]


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


async def ask(ctx: ToolContext, text: str, form: type[BaseModel]) -> str:
    """Ask, and return the only value of the answer, or how the person refused."""
    answer = await ctx.elicit(text, form)
    if answer.action != "accept":
        return answer.action
    return str(next(iter(answer.data.model_dump().values())))
