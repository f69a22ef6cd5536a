"""The client whose sign-in the conformance suite tries: `browser_auth`, with a person who agrees to all.

The suite starts it with the address of its server. Where that or its authorization server is not to be
trusted, the sign-in has to fail; the suite looks at what its servers saw.
"""

import asyncio
import json
import os
import sys
import urllib.request

from mcpsecurity.client import BridgeError, McpConnection
from mcpsecurity.client.eras import STATELESS
from mcpsecurity.client.oauth import ClientId, browser_auth

__all__ = ["SCENARIOS"]

SCENARIOS = {
    "2025-03-26": ("auth/2025-03-26-oauth-metadata-backcompat",),
    "2026-07-28": (
        "auth/metadata-default",
        "auth/metadata-var1",
        "auth/metadata-var2",
        "auth/metadata-var3",
        "auth/basic-cimd",
        "auth/scope-from-www-authenticate",
        "auth/scope-from-scopes-supported",
        "auth/scope-omitted-when-undefined",
        "auth/token-endpoint-auth-basic",
        "auth/token-endpoint-auth-post",
        "auth/token-endpoint-auth-none",
        "auth/pre-registration",
        "auth/resource-mismatch",
        "auth/offline-access-scope",
        "auth/offline-access-not-supported",
        "auth/authorization-server-migration",
        "auth/iss-supported",
        "auth/iss-not-advertised",
        "auth/iss-supported-missing",
        "auth/iss-wrong-issuer",
        "auth/iss-unexpected",
        "auth/iss-normalized",
        "auth/metadata-issuer-mismatch",
        "auth/scope-step-up",
        "auth/scope-retry-limit",
    ),
}
"""By the newest revision that a scenario is of."""

_REFUSED = {
    "auth/resource-mismatch",
    "auth/iss-supported-missing",
    "auth/iss-wrong-issuer",
    "auth/iss-unexpected",
    "auth/iss-normalized",
    "auth/metadata-issuer-mismatch",
}
_DOCUMENT = "https://conformance-test.local/client-metadata.json"


async def _use(url: str, client: ClientId | None) -> None:
    auth = browser_auth(url, client=client, client_document=_DOCUMENT, tell=_quiet, open_page=_follow)
    connection = McpConnection(url, auth=auth)
    if os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"] == STATELESS.revision:
        connection.era = STATELESS
    async with connection:
        for tool in await connection.list_tools():
            await connection.call_tool(tool.name, {})
        await connection.list_tools()


def _quiet(_: str) -> None:
    """Nobody reads along."""


def _follow(url: str) -> bool:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30):
        return True


def _main(url: str, scenario: str) -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    by_hand = ClientId(context["client_id"], context.get("client_secret")) if "client_id" in context else None
    try:
        asyncio.run(_use(url, by_hand))
    except BridgeError as error:
        sys.exit(0 if scenario in _REFUSED else str(error))
    if scenario in _REFUSED:
        sys.exit("signed in where that had to be refused")


if __name__ == "__main__":
    _main(sys.argv[-1], os.environ["MCP_CONFORMANCE_SCENARIO"])
