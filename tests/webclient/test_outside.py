"""What the web chat asks outside goes through the company's proxy, and it says so at its start."""

import logging

import pytest
from tests.support.company import company_proxy
from tests.support.eventually import eventually
from tests.webclient.conftest import ServeWeb

LOGIN, MODEL, MCP = "login.contoso.example", "model.contoso.example", "mcp.contoso.example"


async def test_it_says_at_its_start_what_it_reaches_through_the_companys_proxy(
    serve_web: ServeWeb, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "mcpsecurity_webclient")
    outside = {
        "authority": f"https://{LOGIN}",
        "azure_openai_endpoint": f"https://{MODEL}",
        "mcp_server_url": f"https://{MCP}/mcp",
    }
    async with company_proxy(monkeypatch) as company, serve_web(**outside):
        said = [r.getMessage() for r in caplog.records if "proxy" in r.getMessage()]
        assert said == [f"{LOGIN}, {MODEL}, {MCP}: through the proxy {company.name}"]
        await eventually(lambda: LOGIN in company.asked)
    assert "pass-word" not in caplog.text


async def test_without_a_proxy_on_the_way_it_says_nothing_of_one(
    serve_web: ServeWeb, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "mcpsecurity_webclient")
    async with company_proxy(monkeypatch) as company, serve_web():
        assert not [r for r in caplog.records if "proxy" in r.getMessage()]
        assert not company.asked
