"""Files of the person: what they are is decided by their bytes, never by their names."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from semantic_kernel.contents import AuthorRole, ChatMessageContent, ImageContent, TextContent

from mcpsecurity_webclient.chat.views import FileView
from mcpsecurity_webclient.errors import InvalidArgumentsError
from mcpsecurity_webclient.languages import gettext as _

MOST_BYTES = 4 * 1024 * 1024
"""Longest file, and all files of a message together."""

_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_PICTURE_TYPES = frozenset({*_PICTURES.values(), "image/webp"})
_CONTROL = frozenset(chr(code) for code in range(32) if chr(code) not in "\t\n\r\f")


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file by its name, its type as its bytes say it, and its content: text, or the base64 of a picture."""

    name: str
    mime_type: str
    size: int
    content: str

    @property
    def is_picture(self) -> bool:
        """Whether only a model that sees can take it."""
        return self.mime_type.startswith("image/")

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        return base64.b64decode(self.content) if self.is_picture else self.content.encode()

    def to_json(self) -> FileView:
        """Return the page's view, without the content."""
        return {"name": self.name, "mime_type": self.mime_type, "size": self.size}


def read_file(name: str, data: str) -> AttachedFile:
    """Return a file from its base64.

    Raises:
        InvalidArgumentsError: it is neither text nor a picture that models take, is empty, or too large.
    """
    shown = " ".join(name.split())[:100] or "file"
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(_("{name} did not arrive whole."), shown) from error
    if not raw or len(raw) > MOST_BYTES:
        raise _refused(_("{name} is empty, or larger than {limit} MiB."), shown)
    if (picture := _picture(raw)) is not None:
        return AttachedFile(shown, picture, len(raw), data)
    text = _text(raw)
    if text is None:
        raise _refused(_("{name} is neither text (in UTF-8) nor a picture (PNG, JPEG, GIF or WebP)."), shown)
    return AttachedFile(shown, _kind_of_text(shown, text), len(raw), text)


def turn_of(file: AttachedFile) -> ChatMessageContent:
    """Return a file as the model reads it."""
    if file.is_picture:
        said = TextContent(text=f"The person attached the picture {json.dumps(file.name)}:")
        picture = ImageContent(data=file.content, data_format="base64", mime_type=file.mime_type)
        return ChatMessageContent(role=AuthorRole.USER, items=[said, picture])
    text = f"The person attached the file {json.dumps(file.name)} ({file.mime_type}):\n\n{file.content}"
    return ChatMessageContent(role=AuthorRole.USER, content=text)


def picture_of(turn: ChatMessageContent) -> AttachedFile | None:
    """Return the picture in a turn of `turn_of`; None if it has none."""
    for item in turn.items:
        if isinstance(item, ImageContent) and item.mime_type in _PICTURE_TYPES:
            raw = item.data if isinstance(item.data, bytes) else b""
            return AttachedFile("", item.mime_type, len(raw), base64.b64encode(raw).decode())
    return None


def _refused(reason: str, name: str) -> InvalidArgumentsError:
    return InvalidArgumentsError({"files": reason.format(name=name, limit=MOST_BYTES // 2**20)})


def _picture(raw: bytes) -> str | None:
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _PICTURES.items() if raw.startswith(magic)), None)


def _text(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL & set(text) else text


def _kind_of_text(name: str, text: str) -> str:
    """Return the type of a text: JSON if it is, else what its name says of texts."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return "application/json"
    ending = name.rpartition(".")[2].lower()
    kinds: dict[str, Any] = {"md": "text/markdown", "markdown": "text/markdown", "csv": "text/csv"}
    return str(kinds.get(ending, "text/plain"))
