"""Signing in with Microsoft Entra ID, and tokens for the MCP servers."""

from mcpsecurity_webclient.auth.entra import EntraClient, SignedIn, SignInError
from mcpsecurity_webclient.auth.routes import add_auth_routes

__all__ = ["EntraClient", "SignInError", "SignedIn", "add_auth_routes"]
