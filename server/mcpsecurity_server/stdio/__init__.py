"""Serves MCP servers that are commands (stdio transport) with this server's protection.

`program` forwards requests, `processes` gives each caller a process of the command, which is a
`child_process`; `pipes` reads and writes its streams.
"""

from mcpsecurity_server.stdio.child_process import CommandError
from mcpsecurity_server.stdio.pipes import Command
from mcpsecurity_server.stdio.program import StdioProgram

__all__ = ["Command", "CommandError", "StdioProgram"]
