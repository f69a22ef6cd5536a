"""Both services as processes, configured by the environment as an operator does, and a person who chats."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.programs import Program, unmeasured
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack

__all__ = ["ASK", "PROMPT", "Services", "json_lines", "running_services", "stopping"]

PROMPT = "a random number between 471100471 and 471100474"
"""What the person says; no part of it may be in the telemetry."""

ASK = f"Please give me {PROMPT}"


class Services:
    """A server and a web chat, with `environment`. What they log is in `server_log` and `web_log`."""

    def __init__(
        self, local: LocalStack, folder: Path, more: dict[str, str], python: str = sys.executable
    ) -> None:
        web_port, mcp_port = free_port(), free_port()
        self.local = local
        self.url, self.mcp_url = f"http://localhost:{web_port}", f"http://localhost:{mcp_port}/mcp"
        local.cloud.register_mcp_url(self.mcp_url)
        local.cloud.register_webclient_url(self.url)
        self.environment = {
            **{key: value for key, value in unmeasured().items() if not key.startswith("OTEL_")},
            **local.environment,
            "MCP_SERVER_URL": self.mcp_url,
            "MCP_SERVER_APP_ID_URI": self.mcp_url,
            "MCP_SERVER_PORT": str(mcp_port),
            "WEBCLIENT_URL": self.url,
            "WEBCLIENT_PORT": str(web_port),
            "WEBCLIENT_CLIENT_ID": local.cloud.web_client_id,
            "WEBCLIENT_CLIENT_SECRET": local.cloud.web_client_secret,
            "WEBCLIENT_DATABASE_URL": "sqlite://",
            **more,
        }
        self.server_log, self.web_log = folder / "server.log", folder / "webclient.log"
        self.server = _program(python, "server", mcp_port, self.environment, self.server_log)
        self.web = _program(python, "webclient", web_port, self.environment, self.web_log)

    async def start(self) -> None:
        """Start both and wait until both are ready."""
        await asyncio.gather(self.server.start(), self.web.start())
        async with aiohttp.ClientSession() as http:
            for origin in (self.url, self.mcp_url.removesuffix("/mcp")):
                await eventually(partial(_ready, http, origin), seconds=30)

    @asynccontextmanager
    async def person(self) -> AsyncIterator[WebPerson]:
        """Sign Alice in."""
        async with WebPerson(self.url, self.local.cloud.ca_file) as person:
            yield await person.sign_in()

    async def chat(self, text: str = ASK) -> dict[str, Any]:
        """Let a person ask for something and approve the call; return how the call ended."""
        async with self.person() as person, person.page() as page:
            call = await person.ask(page, text)
            await person.decide(call)
            done = await page.until("tool.done")
            assert (await page.until("run.done"))["status"] == "completed"
            return done

    async def ask_in_vain(self) -> dict[str, Any]:
        """Let a person ask when no answer can come; return how the run ended."""
        async with self.person() as person, person.page() as page:
            assert (await person.command("messages", text=ASK))[0] == 202
            return await page.until("run.done")


@asynccontextmanager
async def running_services(
    local: LocalStack, folder: Path, python: str = sys.executable, **more: str
) -> AsyncIterator[Services]:
    """Run both; `more` are further environment variables."""
    services = Services(local, folder, more, python)
    async with stopping(services.server, services.web):
        await services.start()
        yield services


@asynccontextmanager
async def stopping(*programs: Program) -> AsyncIterator[None]:
    """Stop programs at the end, also after an error."""
    async with AsyncExitStack() as stack:
        for program in programs:
            stack.push_async_callback(program.stop)
        yield


def json_lines(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; each has to be an object."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def _program(python: str, service: str, port: int, environment: dict[str, str], log: Path) -> Program:
    command = [python, "-m", "mcpsecurity", service]
    return Program(command, port, environment=environment, log=log)


async def _ready(http: aiohttp.ClientSession, origin: str) -> bool:
    async with http.get(f"{origin}/ready") as response:
        return response.status == 200
