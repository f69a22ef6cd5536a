"""A client on the official SDK 2.x: does the calls it is given, and tells what came of them.

Reads a job from the standard input: `url`, `mode` ("legacy" or "auto"), `calls` (tool, arguments, answers),
and for a protected server `sign_in` (client_id, ca_file, redirect, user).
"""

import asyncio
import json
import ssl
import sys
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from mcp_types import ElicitResult


class Storage:
    """Knows the client id from the start, as Entra has no dynamic registration."""

    def __init__(self, sign_in: dict[str, str]) -> None:
        self.tokens: Any = None
        self.client = OAuthClientInformationFull.model_validate(
            {
                "client_id": sign_in["client_id"],
                "redirect_uris": [sign_in["redirect"]],
                "token_endpoint_auth_method": "none",
            }
        )

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


class Person:
    """Has a sign-in session at the tenant already, and answers questions in the given order."""

    def __init__(self, sign_in: dict[str, str] | None, tls: ssl.SSLContext) -> None:
        self._sign_in = sign_in or {}
        self._tls = tls
        self._answer: dict[str, list[str]] = {}
        self.answers: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []

    async def go(self, url: str) -> None:
        address, _, query = url.partition("?")
        asked = dict(parse_qsl(query)) | {"prompt": "none", "login_hint": self._sign_in["user"]}
        async with httpx2.AsyncClient(verify=self._tls, trust_env=False) as http:
            response = await http.get(address, params=asked)
        self._answer = parse_qs(urlsplit(response.headers["Location"]).query)

    async def come_back(self) -> AuthorizationCodeResult:
        iss = self._answer.get("iss", [None])[0]
        return AuthorizationCodeResult(code=self._answer["code"][0], state=self._answer["state"][0], iss=iss)

    async def elicited(self, _: Any, params: Any) -> ElicitResult:
        self.asked.append(params.model_dump(mode="json", by_alias=True, exclude_none=True))
        return ElicitResult.model_validate(self.answers.pop(0))


async def main() -> None:
    """Do the job."""
    job = json.load(sys.stdin)
    sign_in = job.get("sign_in")
    tls = ssl.create_default_context(cafile=sign_in["ca_file"] if sign_in else None)
    person = Person(sign_in, tls)
    auth = None
    if sign_in:
        metadata = OAuthClientMetadata.model_validate({"redirect_uris": [sign_in["redirect"]]})
        auth = OAuthClientProvider(job["url"], metadata, Storage(sign_in), person.go, person.come_back)
    async with (
        httpx2.AsyncClient(auth=auth, verify=tls, trust_env=False, timeout=60) as http,
        Client(
            streamable_http_client(job["url"], http_client=http),
            mode=job["mode"],
            elicitation_callback=person.elicited,
        ) as client,
    ):
        tools = (await client.list_tools()).tools
        done = [await one(client, person, call) for call in job["calls"]]
        version = client.session.protocol_version
    json.dump({"version": version, "tools": [tool.name for tool in tools], "calls": done}, sys.stdout)


async def one(client: Client, person: Person, call: dict[str, Any]) -> dict[str, Any]:
    """Do one call and return its result, what was asked, and the progress that was reported."""
    person.answers, person.asked = list(call["answers"]), []
    progress: list[float] = []

    async def report(done: float, _: float | None, __: str | None) -> None:
        progress.append(done)

    try:
        result = await client.call_tool(call["tool"], call["arguments"], progress_callback=report)
    except MCPError as error:
        return {"error": error.error.model_dump(mode="json"), "asked": person.asked}
    told = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"result": told, "asked": person.asked, "progress": progress}


asyncio.run(main())
