"""The local stack for tests and notebooks: a tenant, a model and your MCP server behind access tokens.

    with LocalStack() as stack:
        server = stack.serve(my_fastmcp)
        async with server.session("alice") as session:
            await session.call_tool("greet", {})

As a pytest plugin (entry point `mcpsecurity`) it comes as fixtures: see docs/testing.md.
"""

from mcpsecurity.testing.command import ServerCommand
from mcpsecurity.testing.faults import FaultSwitches, ModelFault
from mcpsecurity.testing.fixtures import AsyncHttpClients, HttpClients, McpSessions
from mcpsecurity.testing.scripted import Asked, ScriptedModel, calls, fails, refuses, says
from mcpsecurity.testing.served import Answers, Question, ServedMcp
from mcpsecurity.testing.stack import LocalStack
from mcpsecurity.testing.tokens import AccessTokens
from mcpsecurity.testing.web_chat import WebChat

__all__ = [
    "AccessTokens",
    "Answers",
    "Asked",
    "AsyncHttpClients",
    "FaultSwitches",
    "HttpClients",
    "LocalStack",
    "McpSessions",
    "ModelFault",
    "Question",
    "ScriptedModel",
    "ServedMcp",
    "ServerCommand",
    "WebChat",
    "calls",
    "fails",
    "refuses",
    "says",
]
