"""Signing in with Microsoft Entra ID, and tokens for the MCP servers."""
