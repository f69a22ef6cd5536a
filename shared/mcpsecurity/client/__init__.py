"""A client of MCP servers, without Semantic Kernel: a connection with its tokens, and typed errors.

async with McpConnection(url, auth=TokenAuth(get_token)) as server:
    result = await server.call_tool("add", {"a": 1, "b": 2})
"""

from mcpsecurity.client.auth import GetToken, HeaderAuth, StepUp, TokenAuth
from mcpsecurity.client.challenges import Challenge
from mcpsecurity.client.connection import McpConnection, OnNotification
from mcpsecurity.client.credentials import CredentialAuth
from mcpsecurity.client.errors import (
    AccessDeniedError,
    BridgeError,
    CallDeclinedError,
    CommandError,
    InsufficientScopeError,
    KeyRefusedError,
    ProtocolError,
    ServerUnavailableError,
    SessionLostError,
    SignInRequiredError,
    ToolFailedError,
)
from mcpsecurity.client.pipes import Command
from mcpsecurity.client.results import ToolText, result_text
from mcpsecurity.client.session import ConcurrentSession, call_tool
from mcpsecurity.client.stdio import command_session

__all__ = [
    "AccessDeniedError",
    "BridgeError",
    "CallDeclinedError",
    "Challenge",
    "Command",
    "CommandError",
    "ConcurrentSession",
    "CredentialAuth",
    "GetToken",
    "HeaderAuth",
    "InsufficientScopeError",
    "KeyRefusedError",
    "McpConnection",
    "OnNotification",
    "ProtocolError",
    "ServerUnavailableError",
    "SessionLostError",
    "SignInRequiredError",
    "StepUp",
    "TokenAuth",
    "ToolFailedError",
    "ToolText",
    "call_tool",
    "command_session",
    "result_text",
]
