"""A server on the official SDK 2.x in its stateless JSON mode, for `make bench`; its argument is the port."""

import sys
from random import SystemRandom

import uvicorn
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

mcp = MCPServer("Subject", log_level="ERROR")
_random = SystemRandom()


class RandomNumber(BaseModel):
    """A random whole number with min <= number < max."""

    number: int
    min: int
    max: int


@mcp.tool()
async def get_random_number(min: int = 0, max: int = 100) -> RandomNumber:  # noqa: A002 - the contract's
    """Generate a random whole number."""
    return RandomNumber(number=_random.randrange(min, max), min=min, max=max)


app = mcp.streamable_http_app(json_response=True, stateless_http=True)
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
