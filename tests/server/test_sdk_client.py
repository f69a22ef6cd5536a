"""The SDK's own client and the whole server: tokens of the local tenant, elicitation, progress, prompts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.client.session import ElicitationFnT
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.conftest import DECLINE, Person, accept, text_of
from tests.server.meteo import ControlledMeteo
from tests.server.protected import ProtectedServer

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity_server.tools.overview import OVERVIEW_URI


@pytest.fixture
async def cloud(tenant_folder: Any) -> AsyncIterator[LocalCloud]:
    async with LocalCloud(
        LocalCloudSettings(https_port=0, http_port=0, folder=tenant_folder / "cloud")
    ) as cloud:
        yield cloud


@pytest.fixture
async def server(
    cloud: LocalCloud, meteo: ControlledMeteo, tenant: ControlledTenant, clock: MovableClock
) -> AsyncIterator[ProtectedServer]:
    settings = {
        "authority": cloud.authority,
        "tenant_id": cloud.tenant_id,
        "client_id": cloud.api_client_id,
        "ca_file": cloud.ca_file,
        "forecast_url": meteo.url,
        "geocoding_url": meteo.url,
    }
    async with ProtectedServer(tenant, clock, **settings) as server:
        yield server


@asynccontextmanager
async def _connected(
    server: ProtectedServer, token: str, person: ElicitationFnT | None = None
) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        streamable_http_client(f"{server.origin}/mcp", http_client=http) as (reading, writing, _),
        ClientSession(reading, writing, elicitation_callback=person) as session,
    ):
        await session.initialize()
        yield session


async def test_the_version_is_this_servers_and_not_the_sdks(
    server: ProtectedServer, cloud: LocalCloud
) -> None:
    headers = {"Authorization": f"Bearer {cloud.access_token()}"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        streamable_http_client(f"{server.origin}/mcp", http_client=http) as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        about = (await session.initialize()).serverInfo
    assert (about.name, about.version) == ("Secure MCP server", version("mcpsecurity"))
    assert about.version != version("mcp")


async def test_a_signed_in_person_approves_a_call(server: ProtectedServer, cloud: LocalCloud) -> None:
    person = Person(accept(approve=True), DECLINE)
    async with _connected(server, cloud.access_token(), person) as session:
        drawn = await session.call_tool("get_random_number", {"min": 1, "max": 6})
        declined = await session.call_tool("get_random_number", {"min": 1, "max": 6})
    assert drawn.structuredContent is not None
    assert 1 <= drawn.structuredContent["number"] <= 5
    assert declined.isError
    assert "declined by the user" in text_of(declined)


async def test_a_trip_reports_progress_and_asks_in_one_form(
    server: ProtectedServer, cloud: LocalCloud, clock: MovableClock
) -> None:
    clock.stop_at(1780315200)
    person = Person(accept(destination="Springfield", travellers=1), accept(place=_ILLINOIS))
    steps: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    wishes = {"start_date": "2026-06-02", "end_date": "2026-06-03", "interests": ["food"]}
    token = cloud.access_token(exp=1780318800, iat=1780315000, nbf=1780315000)
    async with _connected(server, token, person) as session:
        result = await session.call_tool("plan_trip", wishes, progress_callback=report)
    assert result.structuredContent is not None
    assert result.structuredContent["destination"] == _ILLINOIS
    assert steps == [0, 1, 2, 3, 4]


_ILLINOIS = "Springfield, Illinois, United States"


async def test_prompts_resources_and_the_caller_are_reached_with_the_same_token(
    server: ProtectedServer, cloud: LocalCloud
) -> None:
    async with _connected(server, cloud.access_token("guest@fabrikam.example")) as session:
        assert (await session.get_prompt("nested_random_numbers", {})).messages
        overview = await session.read_resource(AnyUrl(OVERVIEW_URI))
        caller = await session.call_tool("who_am_i", {})
    assert "get_city_weather" in overview.model_dump_json()
    assert caller.structuredContent is not None
    assert caller.structuredContent["client_id"] == cloud.web_client_id


async def test_the_daemon_of_the_local_tenant_is_refused(server: ProtectedServer, cloud: LocalCloud) -> None:
    answer = await server.call(cloud.app_token())
    assert answer.status == 403
    assert answer.challenge is not None
    assert answer.challenge["scope"] == cloud.scope
