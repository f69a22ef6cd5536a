"""A server on fastapi-mcp-router, an implementation of its own without sessions, where a tool that fails is
an error of the protocol. It wants a key, and takes every one. The port is the first argument."""

import asyncio
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi_mcp_router import MCPRouter


async def anybody(*_: Any) -> bool:
    """Let everybody in."""
    return True


app, mcp = FastAPI(), MCPRouter(auth_validator=anybody)


@mcp.tool()
async def add(a: float, b: float) -> dict[str, float]:
    """Add two numbers."""
    return {"sum": a + b}


@mcp.tool()
async def fail() -> str:
    """Fail."""
    raise ValueError("as it should")


@mcp.tool()
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


@mcp.prompt()
async def greeting(name: str) -> list[dict[str, str]]:
    """Greet somebody."""
    return [{"role": "user", "content": f"Greet {name}."}]


@mcp.resource("note://one")
async def note() -> dict[str, str]:
    """Return a note."""
    return {"a": "note"}


app.include_router(mcp, prefix="/mcp")

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
