"""What enters the history is valid there: one odd call would have every later request refused."""

import re
import secrets
from collections.abc import Sequence

from semantic_kernel.contents import FunctionCallContent

__all__ = ["valid_calls"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID_LENGTH = 40


def valid_calls(calls: Sequence[FunctionCallContent]) -> list[FunctionCallContent]:
    """Return the calls with names and ids that Azure OpenAI takes back; each id is there once."""
    seen: set[str] = set()
    return [_valid(call, seen) for call in calls]


def _valid(call: FunctionCallContent, seen: set[str]) -> FunctionCallContent:
    call_id = call.id
    if not call_id or len(call_id) > _ID_LENGTH or call_id in seen:
        call_id = f"call_{secrets.token_hex(12)}"
    seen.add(call_id)
    name = call.name or ""
    if not _NAME.fullmatch(name):
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unnamed"
    return FunctionCallContent(id=call_id, name=name, arguments=call.arguments or "{}")
