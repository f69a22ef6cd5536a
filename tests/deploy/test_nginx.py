"""The nginx of compose.yaml, as it is configured, between a proxy that has the certificate and a server."""

import io
import json
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import yaml
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer
from tests.support.installed import ROOT
from tests.support.ports import free_port
from tests.support.programs import nginx_with

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="a client comes from another loopback address"
)

CLIENT = "127.0.0.2"
HOST = "mcp.example"
MIB = 1024 * 1024
METADATA = "/.well-known/oauth-protected-resource/mcp"


def configured(listening: int, server: int) -> str:
    """Return the configuration of compose.yaml with other addresses; the chat is not there."""
    text = "".join(
        (ROOT / "deploy" / name).read_text("utf-8") for name in ("nginx.common.conf", "nginx.conf")
    )
    text = re.sub(r"webclient[12]:5001", "127.0.0.1:1", text)
    text = text.replace("server server:7133", f"server 127.0.0.1:{server}")
    return text.replace("listen 8080", f"listen 127.0.0.1:{free_port()}").replace(
        "listen 8081", f"listen 127.0.0.1:{listening}"
    )


def with_certificate(listening: int, behind: int) -> str:
    """Return the configuration of a usual proxy in front, which would end TLS."""
    return f"""
  server {{
    listen 127.0.0.1:{listening};
    client_max_body_size 0;
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}"""


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[str]:
    """The address of the outer proxy; the server behind both has the settings of compose.yaml."""
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    proxies = int(compose["services"]["server"]["environment"]["MCP_SERVER_TRUSTED_PROXIES"])
    outer, inner = free_port(), free_port()
    async with AsyncExitStack() as running:
        tenant = await running.enter_async_context(ControlledTenant(tmp_path))
        settings = {"url": f"https://{HOST}/mcp", "trusted_proxies": proxies}
        server = await running.enter_async_context(ProtectedServer(tenant, MovableClock(), **settings))
        await running.enter_async_context(nginx_with(configured(inner, server.port), inner))
        await running.enter_async_context(nginx_with(with_certificate(outer, inner), outer))
        yield f"http://127.0.0.1:{outer}"


async def test_clients_are_told_apart_behind_another_proxy_and_cannot_say_who_they_are(
    front: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mcpsecurity.audit")
    forged = {
        "Host": HOST,
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
    }
    from_elsewhere = aiohttp.TCPConnector(local_addr=(CLIENT, 0))
    async with aiohttp.ClientSession(front, connector=from_elsewhere, headers=forged) as http:
        async with http.get(METADATA, allow_redirects=False) as response:
            assert response.status == 200, "https in front counts"
            assert (await response.json())["resource"] == f"https://{HOST}/mcp"
        async with http.post("/mcp", data=b"{}") as response:
            assert response.status == 401
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "mcpsecurity.audit"]
    assert (line["reason"], line["remote"]) == ("no_credentials", CLIENT)


async def test_a_message_with_files_comes_through_to_where_its_size_is_judged(front: str) -> None:
    async with aiohttp.ClientSession(front, headers={"Host": HOST}) as http:
        async with http.post("/mcp", data=io.BytesIO(b" " * (6 * MIB))) as response:
            assert response.status == 401, "the server's answer"
        async with http.post("/mcp", data=io.BytesIO(b" " * (9 * MIB))) as response:
            assert response.status == 413, "the proxy's answer"
