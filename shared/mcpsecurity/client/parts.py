"""Parts of results, prompts and resources, as text for a model. What it cannot see is named, not dropped."""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

from mcp import types

LONGEST_ATTACHMENT: Final = 1024 * 1024
"""Most characters of a resource that a conversation takes. They can be many, as those of a file: the model is
sent an excerpt, and reads on."""

_DATA_URI = re.compile(r"data:[^,\s]{0,200};base64,[A-Za-z0-9+/_=-]{100,}")


def part_text(part: types.ContentBlock, *, shown: bool = False) -> str:
    """Return the text of a part. `shown` says that the person sees it, for pictures and sound."""
    match part:
        case types.TextContent():
            return _DATA_URI.sub(
                lambda found: f"[binary data of {len(found[0])} characters, left out]", part.text
            )
        case types.ImageContent() | types.AudioContent():
            if decoded(part.data) is None:
                return f"[{part.type} of type {part.mimeType}, which cannot be read]"
            return _unseen(part.type, part.mimeType, shown=shown)
        case types.EmbeddedResource():
            return resource_text(part.resource)
        case types.ResourceLink():
            return f"[link to {part.uri}: {part.name}]"


def message_text(message: types.SamplingMessage) -> str:
    """Return a message of a sampling request as text."""
    parts = message.content if isinstance(message.content, list) else [message.content]
    return "\n".join(
        part_text(part)
        if isinstance(part, types.TextContent | types.ImageContent | types.AudioContent)
        else f"[{part.type}, which the model cannot see]"
        for part in parts
    )


def resource_text(contents: types.TextResourceContents | types.BlobResourceContents) -> str:
    """Return the text of a resource's contents."""
    if isinstance(contents, types.TextResourceContents):
        return contents.text
    return _unseen("resource", contents.mimeType)


def contents_text(contents: Iterable[types.TextResourceContents | types.BlobResourceContents]) -> str:
    """Return the text of all contents of a resource, or a note that it has no text."""
    return "\n\n".join(resource_text(part) for part in contents) or "[it is empty]"


def shortened(text: str, most: int) -> str:
    """Return at most so many characters of a text, with a note if that is not all."""
    return text if len(text) <= most else text[:most] + "\n[the rest is left out]"


def decoded(data: str) -> bytes | None:
    """Return what base64 text stands for; None if it is empty or no base64."""
    try:
        return base64.b64decode("".join(data.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _unseen(kind: str, mime_type: str | None, *, shown: bool = False) -> str:
    return (
        f"[{kind} of type {mime_type or 'unknown'}, "
        f"{'shown to the person' if shown else 'which the model cannot see'}]"
    )
