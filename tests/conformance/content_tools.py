"""Tools of the conformance suite that return every kind of content."""

from base64 import b64decode, b64encode
from typing import Any

from mcp import types
from mcp.server.fastmcp import FastMCP
from pydantic import AnyUrl

__all__ = ["PIXEL", "register"]

PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
_SILENCE = b"RIFF&\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x02\0\0\0\0\0"

_IMAGE = types.ImageContent(type="image", data=b64encode(PIXEL).decode(), mimeType="image/png")

_SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def register(mcp: FastMCP[Any]) -> None:
    """Register the tools."""

    @mcp.tool()
    def test_simple_text() -> str:
        """Return a text."""
        return "This is a simple text response for testing."

    @mcp.tool()
    def test_image_content() -> types.ImageContent:
        """Return an image."""
        return _IMAGE

    @mcp.tool()
    def test_audio_content() -> types.AudioContent:
        """Return a sound."""
        return types.AudioContent(type="audio", data=b64encode(_SILENCE).decode(), mimeType="audio/wav")

    @mcp.tool()
    def test_embedded_resource() -> types.EmbeddedResource:
        """Return a resource."""
        return _resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")

    @mcp.tool()
    def test_multiple_content_types() -> list[types.ContentBlock]:
        """Return several kinds of content."""
        return [
            types.TextContent(type="text", text="Multiple content types test:"),
            _IMAGE,
            _resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
        ]

    _register_others(mcp)


def _register_others(mcp: FastMCP[Any]) -> None:
    """Register the tools whose content is not what is tested."""

    @mcp.tool()
    def test_error_handling() -> str:
        """Fail."""
        raise RuntimeError("This tool intentionally returns an error for testing")

    @mcp.tool()
    def json_schema_2020_12_tool(name: str = "") -> str:
        """Tool with JSON Schema 2020-12 features"""
        return name

    tool = mcp._tool_manager.get_tool("json_schema_2020_12_tool")
    if tool is None:
        raise LookupError("FastMCP has not registered the tool")
    tool.parameters = _SCHEMA_2020_12


def _resource(uri: str, mime_type: str, text: str) -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=AnyUrl(uri), mimeType=mime_type, text=text)
    return types.EmbeddedResource(type="resource", resource=contents)
