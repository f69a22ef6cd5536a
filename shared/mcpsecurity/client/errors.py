"""Errors of a connection to an MCP server.

BridgeError
├── CommandError               a command does not start, or is no MCP server
├── ServerUnavailableError     no answer, or a 5xx
├── SessionLostError           the server does not know the session any more
├── SignInRequiredError        401: a token is missing, or not good enough even when fresh
├── AccessDeniedError          403
│   ├── InsufficientScopeError 403 that names the scopes it wants
│   └── KeyRefusedError        401 or 403 to headers that were set, such as an API key, without a token
├── ProtocolError              the server answered a request with an error of its own
├── CallDeclinedError          the person did not approve a call
└── ToolFailedError            a tool said that it failed
"""

from typing import Any

__all__ = [
    "AccessDeniedError",
    "BridgeError",
    "CallDeclinedError",
    "CommandError",
    "InsufficientScopeError",
    "KeyRefusedError",
    "ProtocolError",
    "ServerUnavailableError",
    "SessionLostError",
    "SignInRequiredError",
    "ToolFailedError",
]


class BridgeError(Exception):
    """The base of all errors of a connection to an MCP server; the message is meant for people. Where it is
    not what a server said, it is a `Sentence`.

    `session_is_doubtful`: the server may not know the session any more, and the next call opens a new one.
    `era_is_doubtful`: the server may speak revisions of the other era only, with sessions or without.
    `transport_is_doubtful`: it may have the older transport HTTP+SSE only.
    """

    session_is_doubtful = False
    era_is_doubtful = False
    transport_is_doubtful = False


class CommandError(BridgeError):
    """The command does not start, or is no MCP server; the message says which, and why."""


class ServerUnavailableError(BridgeError):
    """The server cannot be reached, or failed. Another try later may succeed.

    `outcome_is_unknown`: the connection broke after a call was sent, which the server may have carried out.
    """

    outcome_is_unknown = False


class SessionLostError(BridgeError):
    """The server does not know this session any more; a new one has to be opened."""


class SignInRequiredError(BridgeError):
    """The server requires a token, or another one. `claims` is the claims challenge, if any."""

    def __init__(self, message: str, *, scope: str | None = None, claims: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope
        self.claims = claims


class AccessDeniedError(BridgeError):
    """The server accepted the token and refused the request."""


class InsufficientScopeError(AccessDeniedError):
    """The token lacks a scope; `scope` has all that the operation needs, separated by spaces."""

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


class KeyRefusedError(AccessDeniedError):
    """The server refuses the headers that were set for it, such as an API key: no sign-in helps. `problem` is
    the message without the server's words, which may advise one."""

    def __init__(self, message: str, *, problem: str) -> None:
        super().__init__(message)
        self.problem = problem


class ProtocolError(BridgeError):
    """The server answered with a JSON-RPC error: `code` is its code, `data` its further data."""

    era_is_doubtful = True

    def __init__(self, message: str, *, code: int, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class CallDeclinedError(BridgeError):
    """The person did not approve the call. It was not sent."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"The user did not approve the call of {tool}; it was not made.")
        self.tool = tool


class ToolFailedError(BridgeError):
    """A tool reported that it failed: `tool` is its name, `text` its message."""

    def __init__(self, tool: str, text: str) -> None:
        super().__init__(f"{tool}: {text}")
        self.tool = tool
        self.text = text
