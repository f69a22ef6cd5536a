"""When the demo's services count as started, and which of them it can do without."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.cli.demo_services import DemoError, RunningService, Service, until_ready

NOWHERE = "http://127.0.0.1:1/health"


@asynccontextmanager
async def process(code: str = "import sys; sys.stdin.read()") -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=pipe)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@asynccontextmanager
async def healthy() -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/health", answer)
    async with on_loopback(app, "/health") as url:
        yield url


async def test_the_demo_is_ready_without_its_optional_services_that_end_or_are_late() -> None:
    async with healthy() as url, process() as runs, process("") as ends:
        await ends.wait()
        unready = await until_ready(
            [
                RunningService(Service("server", "MCP server", url), runs),
                RunningService(Service("server", "quick", url, optional=True), runs),
                RunningService(Service("server", "gone", NOWHERE, optional=True), ends),
                RunningService(Service("server", "slow", NOWHERE, optional=True), runs),
            ],
            optional_seconds=0.2,
        )
    assert (unready.ended, unready.late) == (["gone"], ["slow"])


async def test_another_program_at_its_address_is_no_service_that_has_started() -> None:
    async with healthy() as url, process() as runs:
        other = url.replace("/health", "/other")
        services = [
            RunningService(Service("server", "MCP server", url), runs),
            RunningService(Service("server", "own", other, optional=True), runs),
        ]
        assert (await until_ready(services, optional_seconds=0.2)).late == ["own"]


async def test_a_service_that_is_needed_and_has_ended_is_an_error() -> None:
    async with process() as runs, process("") as ends:
        await ends.wait()
        services = [
            RunningService(Service("server", "MCP server", NOWHERE), ends),
            RunningService(Service("server", "slow", NOWHERE, optional=True), runs),
        ]
        with pytest.raises(DemoError, match="a service has stopped"):
            await until_ready(services)
