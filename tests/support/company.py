"""What the machine of a service may have around it: a company's proxy, and an identity in Azure."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mcpsecurity.localcloud import LocalCloud

__all__ = ["INNER", "Company", "company_proxy", "machine_identity", "service_identity"]

INNER = "inner.example"
"""The host of `NO_PROXY`."""


class Company:
    """The proxy: its `name` (host and port), and the hosts that it was `asked` for, by https and by `others`;
    it connects to none."""

    def __init__(self) -> None:
        self.name = ""
        self.asked: set[str] = set()
        self.others: set[str] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Remember the host that is asked for, and hang up."""
        self._writers.append(writer)
        method, _, target = (await reader.readline()).decode().partition(" ")
        if method == "CONNECT":
            self.asked.add(target.partition(":")[0])
        else:
            self.others.add(target)
        writer.close()

    async def end(self) -> None:
        """Close the connections that are still open."""
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def company_proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    """Have the environment name a proxy, with a password in its address."""
    company = Company()
    async with await asyncio.start_server(company.answer, "127.0.0.1") as server:
        company.name = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://service:pass-word@{company.name}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, INNER)
        yield company
        await company.end()


@asynccontextmanager
async def machine_identity(monkeypatch: pytest.MonkeyPatch, token: str) -> AsyncIterator[list[str]]:
    """Have this machine a managed identity, all of whose tokens are `token`; yield what they are for."""
    asked: list[str] = []

    async def give(request: web.Request) -> web.Response:
        asked.append(request.query["resource"])
        answer = {"access_token": token, "token_type": "Bearer", "expires_on": "4102444800"}
        return web.json_response({**answer, "resource": asked[-1]})

    app = web.Application()
    app.router.add_get("/msi/token", give)
    async with TestServer(app, host="127.0.0.1") as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", str(server.make_url("/msi/token")))
        monkeypatch.setenv("IDENTITY_HEADER", "x")
        yield asked


def service_identity(monkeypatch: pytest.MonkeyPatch, cloud: LocalCloud) -> None:
    """Have the environment of a service with an application of its own, and no other identity."""
    for key, value in {
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        "AZURE_TENANT_ID": cloud.tenant_id,
        "AZURE_CLIENT_ID": cloud.daemon_client_id,
        "AZURE_CLIENT_SECRET": cloud.daemon_client_secret,
        "AZURE_AUTHORITY_HOST": cloud.authority,
    }.items():
        monkeypatch.setenv(key, value)
