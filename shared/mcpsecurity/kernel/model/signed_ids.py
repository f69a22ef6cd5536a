"""Ids of calls in which gateways (LiteLLM, agentgateway) hide the signature that Gemini gives a call.

Such an id is longer than an id may be elsewhere, so a call has another one here; the endpoint gets its own
one back, with the call and with its result.
"""

from semantic_kernel.contents import ChatMessageContent, FunctionCallContent

from mcpsecurity.kernel.model.answer import REASONING

_BEFORE_SIGNATURE = "__thought__"


def mark_of(call_id: str) -> dict[str, str]:
    """Return what has to be kept of a call's id; nothing of an ordinary one."""
    return {"call_id": call_id} if _BEFORE_SIGNATURE in call_id else {}


def signed_ids(message: ChatMessageContent) -> dict[str, str]:
    """Return the endpoint's ids of the calls in a message, by the ids that the calls have here."""
    calls = [item for item in message.items if isinstance(item, FunctionCallContent)]
    return {
        str(calls[place - 1].id): item["call_id"]
        for place, item in message.metadata.get(REASONING, ())
        if 0 < place <= len(calls) and "call_id" in item and "type" not in item
    }
