"""A conversation as a file: Markdown to read, JSON to work with."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcpsecurity.runtime.exact_decimals import dumps
from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall
from mcpsecurity_webclient.chat.state import ConversationState

FORMATS = {"markdown": ("md", "text/markdown"), "json": ("json", "application/json")}
"""The formats of an export, each with its file's ending and type."""

_WHO = {"user": "You", "assistant": "Assistant"}


def as_json(chat: ConversationState) -> str:
    """Return all that the conversation's page shows; texts are Markdown, times seconds since 1970."""
    calls = chat.calls
    body = {
        "title": chat.title,
        "created_at": chat.created_at,
        "updated_at": chat.updated_at,
        "messages": [_message(message, calls) for message in chat.messages],
    }
    return dumps(body, ensure_ascii=True, indent=2, default=str) + "\n"


def as_markdown(chat: ConversationState, titles: Mapping[str, str]) -> str:
    """Return the conversation to read, with its tool calls, their decisions and results; `titles` are the
    servers' by their names."""
    lines = [f"# {_line(chat.title)}", "", f"{_when(chat.created_at)} to {_when(chat.updated_at)}", ""]
    for message in chat.messages:
        lines += [f"## {_WHO[message.role]}, {_when(message.at)}", ""]
        lines += [message.text, ""] if message.text else []
        lines += [*_attached(message), ""] if message.files or message.attachments else []
        for call_id in message.calls:
            if (call := chat.calls.get(call_id)) is not None:
                lines += _call(call, titles.get(call.server, call.server))
        if message.feedback is not None:
            lines += [f"*Marked: thumbs {message.feedback}*", ""]
    return "\n".join(lines).encode("utf-8", "replace").decode()


def file_name(title: str, ending: str) -> str:
    """Return a name for the file that is safe in a header and on any system."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")[:60]
    return f"{words or 'conversation'}.{ending}"


def _message(message: Message, calls: dict[str, PendingFunctionCall]) -> dict[str, Any]:
    body = {key: value for key, value in message.to_json().items() if key not in ("html", "stable", "calls")}
    shown = [calls[call_id].to_json() for call_id in message.calls if call_id in calls]
    left_out = ("input_schema", "batch_id", "args_hash", "expires_at", "message_id", "progress")
    kept = [{key: value for key, value in call.items() if key not in left_out} for call in shown]
    return body | ({"calls": kept} if kept else {})


def _attached(message: Message) -> list[str]:
    """Return a line for each file and resource that the message was sent with."""
    files = [f"{_line(file['name'])} ({file['size']} bytes)" for file in message.files or ()]
    resources = [_line(each["name"]) for each in message.attachments or ()]
    return [f"- Attached: {what}" for what in (*files, *resources)]


def _call(call: PendingFunctionCall, server: str) -> list[str]:
    by = f" (decided by {call.decided_by})" if call.decided_by else ""
    lines = [f"**Tool call** `{_line(call.tool)}` of {_line(server)}: {call.status}{by}", ""]
    lines += [*_fenced(dumps(call.arguments, ensure_ascii=False, indent=2), "json"), ""]
    for part in call.content or ():
        text = part.get("text") or f"[{part.get('type')}] {part.get('uri') or part.get('mime_type') or ''}"
        lines += [*_fenced(str(text), ""), ""]
    return lines


def _fenced(text: str, language: str) -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, text, fence]


def _line(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
