"""The client that the conformance suite tries: `McpClient` and `McpConnection`, one conversation a scenario.

The suite starts it with the address of its server; MCP_CONFORMANCE_SCENARIO names the scenario. Exit code 0
means that the conversation ended as it should; the suite looks at what its server saw. It counts a handshake
as a fault where the scenario's revision has none, so there none is tried.
"""

import asyncio
import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import httpx
from azure.core.credentials import AccessToken
from mcp import types

from mcpsecurity.client import CredentialAuth, InsufficientScopeError, McpConnection, result_text
from mcpsecurity.client.eras import STATELESS
from mcpsecurity.elicitation import TerminalHandler

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

__all__ = ["CONVERSATIONS", "STATELESS_CONVERSATIONS", "STEP_UPS"]


async def initialize(url: str) -> None:
    """Connect, and list what there is."""
    async with McpConnection(url) as connection:
        _expect(await connection.list_tools() == [], "a server without tools lists none")


async def call_a_tool(url: str) -> None:
    """Call a tool by its function in a kernel, as a model would."""
    from semantic_kernel import Kernel

    from mcpsecurity import import_mcp_tools

    kernel = Kernel()
    async with _connection(url) as connection:
        await import_mcp_tools(kernel, connection, "Tools")
        answer = await kernel.invoke(plugin_name="Tools", function_name="add_numbers", a=2, b=40.5)
        _expect(answer is not None and "42.5" in str(answer.value), "the tool has added")


async def accept_defaults(url: str) -> None:
    """Answer a server's form as someone does who presses Enter at each field, and then says yes."""
    from semantic_kernel import Kernel

    from mcpsecurity import McpClient

    async def typed(prompt: str) -> str:
        return "y" if prompt.startswith("Send this?") else ""

    asker = TerminalHandler(typed, print)
    async with McpClient(Kernel(), url, ask=asker) as client:
        text = await client.call_tool("test_client_elicitation_defaults")
        _expect("Elicitation completed" in text, "the server has got an answer")


async def resume(url: str) -> None:
    """Call a tool whose stream the server closes before it answers."""
    async with McpConnection(url) as connection:
        result = await connection.call_tool("test_reconnection", {})
        _expect("completed successfully" in result_text(result), "the answer came in the resumed stream")


async def give_a_schema_back(url: str) -> None:
    """Send a tool's input schema back as it came."""
    async with _connection(url) as connection:
        tools = {tool.name: tool for tool in await connection.list_tools()}
        schema = tools.pop("json_schema_2020_12_tool").inputSchema
        (echo,) = tools
        result = await connection.call_tool(echo, {"schema": schema})
        _expect("echoed" in result_text(result), "the server has the schema")


async def look_around(url: str) -> None:
    """Send a request of each kind, able to answer every question of a server."""
    async with _connection(url, elicitation=_accept, sampling=_generate) as connection:
        await connection.list_tools()
        await connection.call_tool("t", {})


async def answer_in_rounds(url: str) -> None:
    """Call tools that ask, two of them at once."""
    async with _connection(url, elicitation=_accept) as connection:
        names = [tool.name for tool in await connection.list_tools()]
        results = await asyncio.gather(*(connection.call_tool(name, {}) for name in names))
        _expect(all("ok" in result_text(result) for result in results), "each call has ended")


async def use_everything(url: str) -> None:
    """Send each request that has headers of its own."""
    async with _connection(url) as connection:
        for tool in await connection.list_tools():
            await connection.call_tool(tool.name, {})
        for resource in await connection.list_resources():
            await connection.read_resource(str(resource.uri))
        for prompt in await connection.list_prompts():
            await connection.get_prompt(prompt.name, {})


async def repeat_arguments(url: str) -> None:
    """Make the calls that the suite wants, which have arguments that headers repeat."""
    async with _connection(url) as connection:
        await connection.list_tools()
        for call in json.loads(os.environ["MCP_CONFORMANCE_CONTEXT"])["toolCalls"]:
            await connection.call_tool(call["name"], call["arguments"])


async def call_listed_tools(url: str) -> None:
    """Call each tool that the list has, which leaves out those with invalid headers."""
    async with _connection(url) as connection:
        for tool in await connection.list_tools():
            await connection.call_tool(tool.name, {"region": "eu"})
        _expect(bool(connection.left_out), "invalid tools are named")


async def import_tools(url: str) -> None:
    """Make functions of the tools, which reads their schemas."""
    from semantic_kernel import Kernel

    from mcpsecurity import import_mcp_tools

    async with _connection(url) as connection:
        plugin = await import_mcp_tools(Kernel(), connection, "Tools")
        _expect(bool(plugin.functions), "the tool has become a function")


class SuiteCredential:
    """A credential of a person who signs in at the suite's authorization server, and always consents."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Go through the code flow with PKCE for all the scopes."""
        verifier, redirect = secrets.token_urlsafe(40), "http://localhost:9/callback"
        digest = hashlib.sha256(verifier.encode()).digest()
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            resource = await _document(http, self._url, "oauth-protected-resource", self._url.path)
            server = httpx.URL(resource["authorization_servers"][0])
            metadata = await _document(http, server, "oauth-authorization-server")
            registration = {"redirect_uris": [redirect], "application_type": "native"}
            made = await http.post(metadata["registration_endpoint"], json=registration)
            client = {
                name: made.json()[name] for name in ("client_id", "client_secret") if name in made.json()
            }
            common = {"redirect_uri": redirect, "resource": resource["resource"]}
            asked = common | {
                "client_id": client["client_id"],
                "response_type": "code",
                "scope": " ".join(scopes),
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
            told = await http.get(metadata["authorization_endpoint"], params=asked)
            code = httpx.URL(told.headers["Location"]).params["code"]
            form = (
                client
                | common
                | {"grant_type": "authorization_code", "code_verifier": verifier, "code": code}
            )
            answer = (await http.post(metadata["token_endpoint"], data=form)).raise_for_status().json()
        return AccessToken(answer["access_token"], int(time.time()) + 3600)


async def _document(http: httpx.AsyncClient, url: httpx.URL, name: str, path: str = "") -> dict[str, Any]:
    found = await http.get(url.copy_with(path=f"/.well-known/{name}{path}"))
    return dict(found.raise_for_status().json())


def _person(url: str) -> CredentialAuth:
    return CredentialAuth(cast("AsyncTokenCredential", SuiteCredential(url)), "mcp:basic")


async def step_up(url: str) -> None:
    """Call a tool that needs a permission which the operator did not name."""
    async with _connection(url, auth=_person(url)) as connection:
        (tool, *_) = await connection.list_tools()
        await connection.call_tool(tool.name, {})


async def give_up(url: str) -> None:
    """Ask for what no token ever opens."""
    try:
        async with _connection(url, auth=_person(url)) as connection:
            await connection.list_tools()
    except InsufficientScopeError:
        return
    _expect(False, "the server refuses")


CONVERSATIONS: dict[str, Callable[[str], Awaitable[None]]] = {
    "initialize": initialize,
    "tools_call": call_a_tool,
    "elicitation-sep1034-client-defaults": accept_defaults,
    "sse-retry": resume,
    "json-schema-2020-12-preservation": give_a_schema_back,
}
"""What the client does in each scenario of the revision with sessions."""

STEP_UPS: dict[str, Callable[[str], Awaitable[None]]] = {
    "auth/scope-step-up": step_up,
    "auth/scope-retry-limit": give_up,
}
"""What of signing in is the bridge's own: to ask for more when a call lacks a permission, and to end that."""

STATELESS_CONVERSATIONS: dict[str, Callable[[str], Awaitable[None]]] = {
    "tools_call": call_a_tool,
    "json-schema-2020-12-preservation": give_a_schema_back,
    "request-metadata": look_around,
    "sep-2322-client-request-state": answer_in_rounds,
    "http-standard-headers": use_everything,
    "http-custom-headers": repeat_arguments,
    "http-invalid-tool-headers": call_listed_tools,
    "json-schema-ref-no-deref": import_tools,
}
"""What the client does in each scenario of the revision without sessions."""


def _connection(url: str, **options: Any) -> McpConnection:
    connection = McpConnection(url, **options)
    if _revision() == STATELESS.revision:
        connection.era = STATELESS
    return connection


def _revision() -> str:
    return os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]


async def _accept(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    _expect(bool(params.message), "the question says something")
    return types.ElicitResult(action="accept", content={"confirmed": True})


async def _generate(_: Any, __: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    text = types.TextContent(type="text", text="fine")
    return types.CreateMessageResult(role="assistant", content=text, model="m")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"not so: {what}")


async def _main(scenario: str, url: str) -> None:
    conversations = STATELESS_CONVERSATIONS if _revision() == STATELESS.revision else CONVERSATIONS
    await (conversations | STEP_UPS)[scenario](url)


if __name__ == "__main__":
    asyncio.run(_main(os.environ["MCP_CONFORMANCE_SCENARIO"], sys.argv[-1]))
