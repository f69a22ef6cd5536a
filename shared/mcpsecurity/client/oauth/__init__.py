"""Signing in at the authorization server that an MCP server names (MCP specification, Authorization)."""

from mcpsecurity.client.oauth.auth import MemoryStore, OAuthAuth, Page, Person
from mcpsecurity.client.oauth.authorization_code import OAuthSignIn
from mcpsecurity.client.oauth.browser import BrowserPerson, browser_auth
from mcpsecurity.client.oauth.grants import ClientId, Grant, GrantStore, PendingSignIn, read_grant
from mcpsecurity.client.oauth.requests import BoundedRequests

__all__ = [
    "BoundedRequests",
    "BrowserPerson",
    "ClientId",
    "Grant",
    "GrantStore",
    "MemoryStore",
    "OAuthAuth",
    "OAuthSignIn",
    "Page",
    "PendingSignIn",
    "Person",
    "browser_auth",
    "read_grant",
]
