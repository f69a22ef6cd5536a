"""Fixtures: the server's tools on a FastMCP instance, reached by the SDK's own client in memory."""

import datetime as dt
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, types
from mcp.client.session import ElicitationFnT
from mcp.shared.context import RequestContext
from mcp.shared.memory import create_connected_server_and_client_session
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.doctor.doctoring import WEBCLIENT_URL, server_of
from tests.server.meteo import ControlledMeteo
from tests.server.protected import ProtectedServer

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity_server.settings import ApprovalPolicy
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.registry import build_mcp
from mcpsecurity_server.weather import WeatherService

NOW = dt.datetime(2026, 6, 1, 12, 30, tzinfo=dt.UTC)

TRUST_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Connect = Callable[..., AbstractAsyncContextManager[ClientSession]]


class Person:
    """Answers elicitation requests in the given order, and keeps what was asked."""

    def __init__(self, *answers: types.ElicitResult | types.ErrorData) -> None:
        self._answers = list(answers)
        self.asked: list[types.ElicitRequestFormParams] = []

    async def __call__(
        self,
        context: RequestContext[ClientSession, Any],  # noqa: ARG002 - the SDK's signature
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        assert isinstance(params, types.ElicitRequestFormParams)
        self.asked.append(params)
        return self._answers.pop(0)


def accept(**content: str | float | bool | list[str] | None) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content=content)


DECLINE = types.ElicitResult(action="decline")
CANCEL = types.ElicitResult(action="cancel")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tenant")


@pytest.fixture
async def tenant(tenant_folder: Path) -> AsyncIterator[ControlledTenant]:
    async with ControlledTenant(tenant_folder) as tenant:
        yield tenant


@pytest.fixture
async def protected(tenant: ControlledTenant, clock: MovableClock) -> AsyncIterator[ProtectedServer]:
    async with ProtectedServer(tenant, clock) as protected:
        yield protected


@pytest.fixture(scope="session")
async def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("doctor")
    settings = LocalCloudSettings(https_port=0, http_port=0, folder=folder, webclient_url=WEBCLIENT_URL)
    async with LocalCloud(settings) as cloud:
        yield cloud


@pytest.fixture
def healthy_cloud(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """A local cloud whose faults are turned off after the test."""
    yield shared_cloud
    shared_cloud.tenant.faults.clear()


@pytest.fixture
async def cloud_server(
    healthy_cloud: LocalCloud, tenant: ControlledTenant, clock: MovableClock
) -> AsyncIterator[ProtectedServer]:
    """A server of the local tenant."""
    async with ProtectedServer(tenant, clock, **server_of(healthy_cloud)) as server:
        yield server


@pytest.fixture
async def meteo() -> AsyncIterator[ControlledMeteo]:
    async with ControlledMeteo() as meteo:
        yield meteo


@pytest.fixture
async def weather(meteo: ControlledMeteo) -> AsyncIterator[WeatherService]:
    async with WeatherService(meteo.url, meteo.url, TRUST_NOBODY) as weather:
        yield weather


@pytest.fixture
def connect(weather: WeatherService) -> Connect:
    """Return a function that connects to the tools: `connect(person=None, approval="when-supported")`."""

    def connect(
        person: ElicitationFnT | None = None,
        approval: ApprovalPolicy = "when-supported",
        deadline: float = 20.0,
    ) -> AbstractAsyncContextManager[ClientSession]:
        mcp = build_mcp(Elicitor(approval, deadline), weather, now=lambda: NOW)
        return create_connected_server_and_client_session(mcp, elicitation_callback=person)

    return connect


def text_of(result: types.CallToolResult) -> str:
    content = result.content[0]
    assert isinstance(content, types.TextContent)
    return content.text
