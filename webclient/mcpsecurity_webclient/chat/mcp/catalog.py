"""Prompts and resources of servers as the page lists them (docs/chat-protocol.md)."""

from typing import Any

from mcp import types

__all__ = ["prompt_json", "resource_json"]


def prompt_json(server: str, prompt: types.Prompt) -> dict[str, Any]:
    """Return a prompt with the arguments that it takes."""
    arguments = [
        {"name": a.name, "description": a.description or "", "required": bool(a.required)}
        for a in prompt.arguments or ()
    ]
    return {
        "server": server,
        "name": prompt.name,
        "title": prompt.title or prompt.name,
        "description": prompt.description or "",
        "arguments": arguments,
    }


def resource_json(server: str, resource: types.Resource) -> dict[str, Any]:
    """Return a resource without its content."""
    return {
        "server": server,
        "uri": str(resource.uri),
        "name": resource.name,
        "title": resource.title or resource.name,
        "description": resource.description or "",
        "mime_type": resource.mimeType,
    }
