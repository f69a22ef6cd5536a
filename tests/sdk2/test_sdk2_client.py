"""The official SDK 2.x calls tools that ask, in both eras, plain and behind the tenant's sign-in."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.localcloud.entra.test_mcp_client_sign_in import REDIRECT
from tests.sdk2.environment import run_program, sdk2_python
from tests.support.ports import free_port
from tests.support.served import on_loopback

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_server.app import create_app
from mcpsecurity_server.auth.metadata import add_metadata_routes
from mcpsecurity_server.auth.setup import AuthSetup
from mcpsecurity_server.observability.audit import AuditLog
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_server.transport import mount_mcp

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

MODES = [("legacy", "2025-11-25"), ("auto", "2026-07-28")]
ToolContext = Context[Any, Any, Any]


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Program")

    @mcp.tool()
    async def talk(ctx: ToolContext) -> str:
        await ctx.report_progress(1, 3)
        name = await ctx.elicit("What is your name?", Name)
        if name.action != "accept":
            return name.action
        await ctx.report_progress(2, 3)
        color = await ctx.elicit(f"{name.data.name}, which color?", Color)
        await ctx.report_progress(3, 3)
        return f"{name.data.name} likes {color.data.color if color.action == 'accept' else 'none'}"

    @mcp.tool()
    async def connect_account(ctx: ToolContext) -> str:
        answer = await ctx.elicit_url("Connect your account", "https://example.com/connect", "connect-1")
        return f"connected: {answer.action}"

    return mcp


CALLS: list[dict[str, Any]] = [
    {
        "tool": "talk",
        "arguments": {},
        "answers": [
            {"action": "accept", "content": {"name": "Ada"}},
            {"action": "accept", "content": {"color": "blue"}},
        ],
    },
    {"tool": "talk", "arguments": {}, "answers": [{"action": "decline"}]},
    {"tool": "connect_account", "arguments": {}, "answers": [{"action": "accept"}]},
]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    sdk2_python()


@pytest.fixture(scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("cloud")
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=folder)) as cloud:
        yield cloud


def settings_of(cloud: LocalCloud) -> ServerSettings:
    settings = ServerSettings(
        url=f"http://127.0.0.1:{free_port()}/mcp",
        authority=cloud.authority,
        tenant_id=cloud.tenant_id,
        client_id=cloud.api_client_id,
        ca_file=cloud.ca_file,
        forecast_url=cloud.open_meteo_url,
        geocoding_url=cloud.open_meteo_url,
    )
    cloud.register_mcp_url(settings.url)
    return settings


def sign_in(cloud: LocalCloud) -> dict[str, str]:
    return {
        "client_id": cloud.public_client_id,
        "ca_file": str(cloud.ca_file),
        "redirect": REDIRECT,
        "user": "alice@contoso.example",
    }


def assert_done(answer: dict[str, Any], version: str) -> None:
    assert answer["version"] == version
    talked, declined, connected = answer["calls"]
    assert talked["result"]["content"][0]["text"] == "Ada likes blue"
    assert [question["message"] for question in talked["asked"]] == [
        "What is your name?",
        "Ada, which color?",
    ]
    assert talked["progress"] == [1, 2, 3]
    assert declined["result"]["content"][0]["text"] == "decline"
    assert connected["result"]["content"][0]["text"] == "connected: accept"
    assert connected["asked"][0]["mode"] == "url"
    assert connected["asked"][0]["url"] == "https://example.com/connect"


@pytest.mark.parametrize(("mode", "version"), MODES)
async def test_tools_ask_in_forms_and_by_url(mode: str, version: str) -> None:
    app = web.Application()
    mount_mcp(app, program())
    async with on_loopback(app, "/mcp") as url:
        answer = await run_program("client.py", {"url": url, "mode": mode, "calls": CALLS})
    assert_done(answer, version)


@pytest.mark.parametrize(("mode", "version"), MODES)
async def test_tools_ask_a_person_who_had_to_sign_in(cloud: LocalCloud, mode: str, version: str) -> None:
    settings = settings_of(cloud)
    app = web.Application()
    protection = AuthSetup(settings, client_ssl_context(cloud.ca_file))
    public = add_metadata_routes(app, settings.url, protection.metadata())
    protection.install(
        app, {route.resource.canonical for route in public if route.resource is not None}, AuditLog()
    )
    mount_mcp(app, program())
    async with on_loopback(app, "/mcp", port=settings.origin.port or 0) as url:
        job = {"url": url, "mode": mode, "calls": CALLS, "sign_in": sign_in(cloud)}
        answer = await run_program("client.py", job)
    assert_done(answer, version)


@pytest.mark.parametrize(("mode", "version"), MODES)
async def test_the_whole_server_asks_the_person_who_signed_in(
    cloud: LocalCloud, mode: str, version: str
) -> None:
    settings = settings_of(cloud)
    calls = [
        {
            "tool": "get_random_number",
            "arguments": {"min": 3, "max": 4},
            "answers": [{"action": "accept", "content": {"approve": True}}],
        },
        {
            "tool": "get_city_weather",
            "arguments": {},
            "answers": [{"action": "accept", "content": {"city": "Zurich"}}],
        },
        {
            "tool": "who_am_i",
            "arguments": {},
            "answers": [{"action": "accept", "content": {"approve": True}}],
        },
    ]
    async with on_loopback(create_app(settings), "/mcp", port=settings.origin.port or 0) as url:
        job = {"url": url, "mode": mode, "calls": calls, "sign_in": sign_in(cloud)}
        answer = await run_program("client.py", job)
    assert answer["version"] == version
    number, weather, caller = [call["result"]["structuredContent"] for call in answer["calls"]]
    assert number == {"number": 3, "min": 3, "max": 4}
    assert weather["place"].startswith("Zurich")
    assert caller["client_id"] == cloud.public_client_id
    assert [len(call["asked"]) for call in answer["calls"]] == [1, 1, 1]
