"""Prompts and resources of servers as the page lists them (docs/chat-protocol.md)."""

import re
from typing import Any

from mcp import types

_EXPRESSION = re.compile(r"\{[+#./;?&]?([A-Za-z0-9_.,:*]{1,256})\}")
_MODIFIER = re.compile(r"(?::[0-9]{1,4}|\*)$")


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


def template_json(server: str, template: types.ResourceTemplate) -> dict[str, Any]:
    """Return a resource template with the names of its variables (RFC 6570)."""
    found = ",".join(_EXPRESSION.findall(template.uriTemplate)).split(",")
    names = dict.fromkeys(_MODIFIER.sub("", name) for name in found)
    return {
        "server": server,
        "uri_template": template.uriTemplate,
        "title": template.title or template.name,
        "description": template.description or "",
        "arguments": [name for name in names if name],
    }
