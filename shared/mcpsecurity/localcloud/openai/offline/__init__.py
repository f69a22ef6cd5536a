"""The offline model: rules instead of a network, so that all runs with no account and no download.

It knows no tool by name. It reads the JSON schemas in the request, finds the tools a prompt speaks of, fills
their arguments from its words, and puts results into sentences. It does not understand language, and says so
when asked for more.

    Prompt ──split──▶ clauses ──match──▶ tools ──fill──▶ steps of calls ──results──▶ sentences
"""

from mcpsecurity.localcloud.openai.offline.reply import Reply, ToolCall, reply_to
from mcpsecurity.localcloud.openai.offline.tools import Tool, read_tools

__all__ = ["Reply", "Tool", "ToolCall", "read_tools", "reply_to"]
