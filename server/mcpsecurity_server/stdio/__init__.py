"""Serves MCP servers that are commands (stdio transport) with this server's protection.

`program` forwards requests, `processes` gives each caller a process of the command, which is a
`child_process`.
"""

from mcpsecurity.client import Command, CommandError
from mcpsecurity_server.stdio.program import StdioProgram

__all__ = ["Command", "CommandError", "StdioProgram"]
