"""The doctor tries the key of each of the web chat's further MCP servers."""

import json
from typing import Any

import pytest
from aiohttp import web
from tests.client.older import Older
from tests.server.doctor.doctoring import settings_of
from tests.support.keyed import KEY, keyed_server
from tests.support.served import on_loopback

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Finding, Status, examine
from mcpsecurity_server.doctor.findings import as_json, as_table
from mcpsecurity_server.doctor.settings import DoctorSettings


async def _found(cloud: LocalCloud, *entries: Any, mcp_url: str = "http://localhost:1/mcp") -> list[Finding]:
    settings = settings_of(cloud, mcp_url, scope="", more_servers=list(entries))
    found = await examine(settings)
    assert KEY not in f"{settings!r} {as_json(found)} {as_table(found)}"
    return [finding for finding in found if finding.check == "servers"]


def _wiki(url: str, key: str = KEY, **more: Any) -> dict[str, Any]:
    return {"name": "wiki", "url": url, "headers": {"X-Api-Key": key}, **more}


async def test_a_key_that_is_taken_is_well_and_no_session_is_left(healthy_cloud: LocalCloud) -> None:
    async with keyed_server() as server:
        (found,) = await _found(healthy_cloud, _wiki(server.url))
        assert len(server.sent) == 2
        assert "mcp-session-id" in server.sent[1]
    assert (found.status, found.message) == (Status.OK, "wiki takes the headers of its entry.")


async def test_a_key_can_be_a_variable_of_the_environment(
    healthy_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_KEY", KEY)
    async with keyed_server("Authorization", f"Bearer {KEY}") as server:
        headers = {"Authorization": "Bearer ${WIKI_KEY}"}
        (found,) = await _found(healthy_cloud, _wiki(server.url, headers=headers))
    assert found.status is Status.OK


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_is_the_operators_to_change(
    healthy_cloud: LocalCloud, status: int
) -> None:
    async with keyed_server() as server:
        server.status = status
        refused, without, person, own = await _found(
            healthy_cloud,
            _wiki(server.url, "wrong"),
            {"name": "open", "url": server.url},
            _wiki(server.url, "wrong", name="both", scope="api://wiki/read"),
            {"name": "own", "url": server.url, "sign_in": "oauth"},
        )
    assert own.status is Status.SKIPPED
    assert (refused.status, refused.setting) == (Status.FAILED, "WEBCLIENT_MCP_SERVERS, wiki: headers")
    assert f"refuses the key in the headers of its entry ({status}); no sign-in helps" in refused.message
    assert (without.status, without.setting) == (
        Status.FAILED,
        "WEBCLIENT_MCP_SERVERS, open: scope, headers or sign_in",
    )
    assert (person.status, person.setting) == (Status.SKIPPED, "")


async def test_the_key_of_the_default_server_is_tried(healthy_cloud: LocalCloud) -> None:
    async with keyed_server() as server:
        tools = {"name": "Tools", "headers": {"X-Api-Key": KEY}}
        (found,) = await _found(healthy_cloud, tools, {"name": "Tools"}, mcp_url=server.url)
    assert found.message == "Tools takes the headers of its entry."


@pytest.mark.parametrize(
    ("status", "body", "verdict", "words"),
    [
        (400, None, Status.FAILED, "wiki answers 400"),
        (404, None, Status.FAILED, "There is no MCP server at"),
        (405, None, Status.FAILED, "There is no MCP server at"),
        (500, None, Status.FAILED, "wiki answers 500"),
        (307, None, Status.FAILED, "wiki answers 307"),
        (400, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": "no"}}, Status.OK, "takes"),
    ],
)
async def test_what_else_a_server_answers_is_told(
    healthy_cloud: LocalCloud, status: int, body: Any, verdict: Status, words: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=json.dumps(body), headers={"Location": "/other"})

    app = web.Application()
    app.router.add_post("/mcp", answer)
    async with on_loopback(app, "/mcp") as url:
        (found,) = await _found(healthy_cloud, _wiki(url))
    assert found.status is verdict
    assert words in found.message


@pytest.mark.parametrize(
    ("key", "verdict", "words"),
    [(KEY, Status.OK, "takes the headers"), ("wrong", Status.FAILED, "refuses the key in the headers")],
)
async def test_a_server_with_the_older_transport_is_asked_by_that(
    healthy_cloud: LocalCloud, key: str, verdict: Status, words: str
) -> None:
    @web.middleware
    async def check(request: web.Request, handler: Any) -> Any:
        if request.method == "GET" and request.headers.get("X-Api-Key") != KEY:
            raise web.HTTPUnauthorized
        return await handler(request)

    server = Older()
    async with on_loopback(server.app(check), "/sse", handler_cancellation=True) as url:
        (found,) = await _found(healthy_cloud, _wiki(url, key))
    assert (found.status, words in found.message) == (verdict, True)
    assert server.opened == (key == KEY)


async def test_a_server_that_is_not_there_is_told(healthy_cloud: LocalCloud) -> None:
    (found,) = await _found(healthy_cloud, _wiki("http://localhost:1/mcp"))
    assert (found.status, found.setting) == (Status.FAILED, "WEBCLIENT_MCP_SERVERS, wiki: url")


async def test_an_entry_that_the_web_client_refuses_sends_nothing(healthy_cloud: LocalCloud) -> None:
    async with keyed_server() as server:
        wrong = [
            "odd", {}, {"name": "wiki"},
            _wiki("http://192.0.2.1/mcp"),
            _wiki(server.url, headers={"Host": KEY}),
            _wiki(server.url, headers={"X-Api-Key": "${NO_SUCH_VARIABLE}"}),
            _wiki(server.url, headers=[KEY]),
        ]  # fmt: skip
        assert await _found(healthy_cloud, *wrong) == []
        assert server.sent == []


def test_the_lists_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    model = {"name": "small", "base_url": "http://localhost:1/v1", "headers": {"X-Api-Key": KEY}}
    monkeypatch.setenv("WEBCLIENT_MCP_SERVERS", json.dumps([_wiki("https://wiki.example/mcp")]))
    monkeypatch.setenv("WEBCLIENT_MODELS", json.dumps([model]))
    settings = DoctorSettings()
    assert settings.more_servers[0]["name"] == "wiki"
    assert list(settings.check_models()) == ["small"]
    assert KEY not in repr(settings)


async def test_a_list_that_is_no_json_stops_no_check(
    healthy_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBCLIENT_MODELS", "[")
    assert await _found(healthy_cloud) == []
    settings = settings_of(healthy_cloud, "http://localhost:1/mcp", more_servers="[")
    found = await examine(settings)
    assert "WEBCLIENT_MODELS" in {finding.setting for finding in found if finding.check == "model"}
