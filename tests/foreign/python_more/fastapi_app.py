"""A FastAPI application whose routes fastapi-mcp serves as tools. The port is the first argument."""

import asyncio
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi_mcp import FastApiMCP
from pydantic import BaseModel

app = FastAPI(title="An API")


class Item(BaseModel):
    """What is sold."""

    name: str
    price: float
    tags: list[str] = []
    size: int | None = None


@app.get("/items/{number}", operation_id="get_item")
async def get_item(number: int, full: bool = False) -> dict[str, Any]:
    """Return an item."""
    if number == 0:
        raise HTTPException(404, "no such item")
    return {"number": number, "full": full}


@app.post("/items", operation_id="add_item")
async def add_item(item: Item) -> Item:
    """Add an item."""
    return item


@app.get("/wait", operation_id="wait")
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


FastApiMCP(app).mount_http()

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
