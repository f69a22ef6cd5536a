"""Prompts and resources of a server, as text for the model and bounded in size."""

from collections.abc import Iterable

from mcp import types

from mcpsecurity.client.parts import part_text, resource_text

_IN_A_PROMPT = 50_000
_ATTACHED = 1024 * 1024
"""Most characters of a resource. Attachments can be long, as files can: the model is sent an excerpt,
and reads on. A prompt is the person's message, which is sent whole."""


def block_text(content: types.ContentBlock) -> str:
    """Return the text of a part of a prompt."""
    text = part_text(content)
    return _cut(text, _IN_A_PROMPT) if isinstance(content, types.EmbeddedResource) else text


def attached_text(
    uri: str, contents: Iterable[types.TextResourceContents | types.BlobResourceContents]
) -> str:
    """Return the text of a resource that the person attached."""
    text = "\n\n".join(resource_text(part) for part in contents)
    return f"The person attached the resource {uri}:\n\n" + _cut(text or "[it is empty]", _ATTACHED)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "\n[the rest is left out]"
