"""Client capabilities that a server's request needs (specification 2025-11-25, lifecycle)."""

from typing import Any

from mcp import types
from mcp.shared.exceptions import McpError

from mcpsecurity_server.transport.protocol import MISSING_CAPABILITY


class MissingCapabilityError(McpError):
    """A request needs a capability that its client did not declare (2026-07-28, -32021)."""

    def __init__(self, missing: str) -> None:
        required: dict[str, Any] = {}
        node = required
        for name in missing.split("."):
            node = node.setdefault(name, {})
        text, data = f"The client does not support {missing}", {"requiredCapabilities": required}
        super().__init__(types.ErrorData(code=MISSING_CAPABILITY, message=text, data=data))


def missing_in(error: BaseException) -> MissingCapabilityError | None:
    """Return the `MissingCapabilityError` in the chain of causes of an error, if there is one."""
    reason: BaseException | None = error
    for _ in range(20):
        if reason is None or isinstance(reason, MissingCapabilityError):
            return reason
        reason = reason.__cause__ or reason.__context__
    return None


def missing_capability(
    method: str, params: dict[str, Any] | None, declared: types.ClientCapabilities | None
) -> str | None:
    """Return the capability that the client lacks for a request, like `elicitation.url`, or None."""
    if method == "roots/list":
        return None if declared is not None and declared.roots is not None else "roots"
    if method == "sampling/createMessage":
        return None if declared is not None and declared.sampling is not None else "sampling"
    if method == "elicitation/create":
        return _missing_elicitation(params, declared.elicitation if declared is not None else None)
    return None


def _missing_elicitation(
    params: dict[str, Any] | None, declared: types.ElicitationCapability | None
) -> str | None:
    """An empty declaration means forms."""
    if declared is None:
        return "elicitation"
    if (params or {}).get("mode", "form") == "url":
        return None if declared.url is not None else "elicitation.url"
    return None if declared.form is not None or declared.url is None else "elicitation.form"
