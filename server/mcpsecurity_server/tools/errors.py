"""Errors of tool calls. The model and the person read their text.

ToolError (of the SDK)
├── InputError         an argument has to change; the text says which and how
├── OutcomeError
│   ├── DeclinedError      the person declined
│   └── CancelledError     the person gave no answer
└── ServiceError       something the tool depends on failed; trying again later may help
"""

from mcp.server.fastmcp.exceptions import ToolError

__all__ = ["CancelledError", "DeclinedError", "InputError", "OutcomeError", "ServiceError", "ToolError"]


class InputError(ToolError):
    """An argument has to change."""


class ServiceError(ToolError):
    """Something that the tool depends on failed."""


class OutcomeError(ToolError):
    """The person did not approve or answer; `outcome` is the word in the audit log."""

    outcome = "refused"


class DeclinedError(OutcomeError):
    """The person declined. The model must not repeat the call unless asked to."""

    outcome = "declined"

    def __init__(self, tool: str) -> None:
        super().__init__(f"The call of {tool} was declined by the user. Do not try again unless asked to.")


class CancelledError(OutcomeError):
    """The person dismissed the question, or did not answer in time."""

    outcome = "cancelled"

    def __init__(self, tool: str) -> None:
        super().__init__(
            f"The call of {tool} was cancelled: the user dismissed the question or did not answer."
        )
