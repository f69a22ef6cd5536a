"""What the server asks outside: by the company's proxy, and what by the identity of its machine."""

import logging
from typing import Any

import pytest
from tests.oidc.tenant import API_CLIENT_ID, ControlledTenant, MovableClock, client_context
from tests.server.protected import ProtectedServer
from tests.support.company import INNER, company_proxy, machine_identity
from tests.support.eventually import eventually
from tests.support.programs import redis_for_an_identity

from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.profile.errors import NotAvailableError
from mcpsecurity_server.profile.on_behalf_of import OnBehalfOf
from mcpsecurity_server.weather import OpenMeteoClient, WeatherError

LOGIN, GRAPH, FORECAST = "login.contoso.example", "graph.contoso.example", "forecast.contoso.example"
OUTSIDE: dict[str, Any] = {
    "authority": f"https://{LOGIN}",
    "graph_url": f"https://{GRAPH}",
    "forecast_url": f"https://{FORECAST}",
    "geocoding_url": f"https://{INNER}",
}


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, f"{LOGIN}, {FORECAST}"),
        ({"client_secret": "s"}, f"{LOGIN}, {GRAPH}, {FORECAST}"),
        ({"client_identity": "managed"}, f"{LOGIN}, {GRAPH}, {FORECAST}"),
        ({"no_auth": True}, FORECAST),
        ({"no_auth": True, "forecast_url": f"https://{INNER}"}, ""),
    ],
)
async def test_it_says_at_its_start_what_it_reaches_through_the_companys_proxy(
    tenant: ControlledTenant,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    hosts: str,
) -> None:
    caplog.set_level(logging.INFO, "mcpsecurity_server")
    async with (
        company_proxy(monkeypatch) as company,
        ProtectedServer(tenant, clock, **OUTSIDE | settings),
    ):
        said = [r.getMessage() for r in caplog.records if r.name == "mcpsecurity_server.app"]
        assert said == ([f"{hosts}: through the proxy {company.name}"] if hosts else [])
        if "no_auth" not in settings:
            await eventually(lambda: LOGIN in company.asked)
    assert "pass-word" not in caplog.text


async def test_on_behalf_of_asks_the_tenant_through_the_companys_proxy(
    tenant: ControlledTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Principal.from_claims("token", tenant.access_claims())
    async with (
        company_proxy(monkeypatch) as company,
        OnBehalfOf(OUTSIDE["authority"], API_CLIENT_ID, "s", None) as flow,
    ):
        with pytest.raises(NotAvailableError):
            await flow.token(caller, ["User.Read"])
    assert company.asked == {LOGIN}


async def test_each_weather_service_is_asked_as_its_own_address_is_reached(
    tenant: ControlledTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = client_context(tenant.ca_file)
    async with company_proxy(monkeypatch) as company:
        for forecast, geocoding, asked in (
            (f"https://{INNER}", f"https://{FORECAST}", {FORECAST}),
            (f"https://{FORECAST}", f"https://{INNER}", set[str]()),
        ):
            company.asked.clear()
            async with OpenMeteoClient(forecast, geocoding, tls, timeout=5) as weather:
                with pytest.raises(WeatherError):
                    await weather.search("Zurich")
            assert company.asked == asked


async def test_redis_is_signed_in_to_by_the_identity_of_the_machine(
    tenant: ControlledTenant, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "a-token-of-the-machine"
    async with redis_for_an_identity(token) as redis, machine_identity(monkeypatch, token) as asked:
        settings = {**redis, "client_identity": "managed"}
        async with ProtectedServer(tenant, clock, **settings) as protected:
            await protected.session(tenant.access_token())
            assert (await protected.request("GET", "/ready")).status == 200
    assert set(asked) == {"https://redis.azure.com"}
