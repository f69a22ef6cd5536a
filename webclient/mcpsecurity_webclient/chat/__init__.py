"""Conversations: a kernel, its MCP servers, and the person who approves their calls."""
