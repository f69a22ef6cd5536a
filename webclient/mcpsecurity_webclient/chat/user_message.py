"""A person's message: as the page shows it, and as the model reads it."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity_webclient.chat.files import AttachedFile, turn_of
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Message

WORDLESS = ("user", "[The person sent this without words.]")
"""Stands after files alone, as only text before the person's words is shortened if need be."""

Turns = list[tuple[str, str] | ChatMessageContent]
"""Role and text of each turn, or the turn itself."""


def message_id_of(chat_id: str, request_id: str) -> str:
    """Return the id of the message that a request sends: the same in every process that gets the request."""
    named = f"{chat_id} {request_id}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(sha256(named).digest()[:9]).decode()


async def composed(
    servers: McpServers,
    message_id: str,
    text: str,
    attachments: list[dict[str, str]] | None,
    prompt: dict[str, Any] | None,
    files: Sequence[AttachedFile] = (),
) -> tuple[Message, Turns]:
    """Return the message and its turns: first the files, then the attached resources, then the prompt, then
    the text.

    Raises:
        BridgeError: a server does not give the prompt or an attachment.
    """
    messages = [("user", text)] if text else []
    if prompt is not None:
        messages = [*await servers.prompt_messages(prompt), *messages]
    contents = [
        await servers.resource_text(attached["server"], attached["uri"]) for attached in attachments or ()
    ]
    said = Message(
        message_id=message_id,
        role="user",
        text="\n\n".join(content for role, content in messages if role == "user"),
        attachments=[{**a, "name": a.get("name", a["uri"])} for a in attachments] if attachments else None,
        files=[file.to_json() for file in files] or None,
        prompt={"server": prompt["server"], "name": prompt["name"]} if prompt else None,
    )
    attached: Turns = [*map(turn_of, files), *(("user", content) for content in contents)]
    if attached and not messages:
        messages = [WORDLESS]
    return said, [*attached, *messages]
