"""How a tool call can end other than well. The text is read by the model and by the person.

ToolError (of the SDK)
├── InputError         an argument has to change; says which and how
├── OutcomeError
│   ├── DeclinedError      the person said no
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
    """The person did not agree; `outcome` is the word for the audit log."""

    outcome = "refused"


class DeclinedError(OutcomeError):
    """The person said no. The call must not be repeated unasked."""

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
