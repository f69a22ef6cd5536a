"""Results of handlers as JSON values."""

from typing import Any

from mcp import types
from pydantic import BaseModel


def model_json(model: BaseModel) -> Any:
    """Return a model as the JSON value that is sent."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def tool_result(value: Any) -> dict[str, Any]:
    """Return the result of `tools/call` for a value that FastMCP converted."""
    if isinstance(value, types.CallToolResult | types.CreateTaskResult):
        result: dict[str, Any] = model_json(value)
        return result
    if isinstance(value, tuple):
        content, structured = value
        return {"content": _content(content), "structuredContent": structured, "isError": False}
    return {"content": _content(value), "isError": False}


def failed_tool(text: str) -> dict[str, Any]:
    """Return the result of a tool that failed: an error that the model reads, not one of the protocol."""
    return {"content": [{"type": "text", "text": text}], "isError": True}


def _content(blocks: Any) -> list[Any]:
    return [
        {"type": "text", "text": block.text}
        if type(block) is types.TextContent and block.annotations is None and block.meta is None
        else model_json(block)
        for block in blocks
    ]
