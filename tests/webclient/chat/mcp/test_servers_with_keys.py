"""Servers that want a key of the operator's: their tools are used, and a refused key stops nothing else."""

import asyncio
import logging
from typing import Any

import pytest
from tests.support.keyed import KEY, keyed_server
from tests.webclient.conftest import NewPerson, ServeWeb

from mcpsecurity_webclient.settings import McpServerSettings


def wiki(url: str, key: str = KEY, **more: Any) -> McpServerSettings:
    return McpServerSettings.model_validate(
        {"name": "wiki", "url": url, "headers": {"X-Api-Key": key}, **more}
    )


async def test_a_tool_of_a_server_with_a_key_is_called_and_the_key_is_told_nobody(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with keyed_server() as server, serve_web(more_servers=(wiki(server.url),)) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("Please look up the title Bees in the wiki")
            call = (await stream.until("tool.proposed"))["call"]
            assert (call["server"], call["tool"]) == ("wiki", "look_up")
            await visitor.decide(call, "approve")
            assert (await stream.until("tool.done"))["status"] == "done"
            await stream.until("run.done")
        told = str(
            (await visitor.snapshot(), (await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")).body)
        )
    assert "look_up" in told
    assert KEY not in told
    assert KEY not in caplog.text


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_said_to_be_the_operators_and_the_chat_goes_on(
    status: int, visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    async with keyed_server() as server, serve_web(more_servers=(wiki(server.url, "sk-wrong"),)) as url:
        server.status = status
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("Please generate a random number between 1 and 6")
            await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
            assert (await stream.until("run.done"))["status"] == "completed"
        servers = {server["name"]: server for server in (await visitor.snapshot())["servers"]}
    assert (servers["Tools"]["status"], servers["wiki"]["status"]) == ("ready", "key_refused")
    assert "sign_in_url" not in servers["wiki"]
    assert "Only the operator of the chat can change it" in servers["wiki"]["message"]
    assert "is not valid" not in servers["wiki"]["message"], "the server's words are for the operator"
    assert "is not valid" in caplog.text
    assert "the MCP server wiki refuses its headers in WEBCLIENT_MCP_SERVERS" in caplog.text
    assert "sk-wrong" not in f"{servers} {caplog.text}"


async def test_a_key_that_is_taken_again_brings_the_tools_back_with_the_next_message(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with keyed_server() as server, serve_web(more_servers=(wiki(server.url),)) as url:
        server.key = "another"
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream, asyncio.timeout(60):
            servers = (await stream.until("snapshot"))["servers"]
            while servers[1]["status"] != "key_refused":
                servers = (await stream.until("servers.changed"))["servers"]
            server.key = KEY
            await visitor.ask("Please look up the title Bees in the wiki")
            assert (await stream.until("tool.proposed"))["call"]["server"] == "wiki"


async def test_who_may_use_the_key_is_said_by_roles(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with keyed_server() as server:
        restricted = wiki(server.url, roles={"*": ["Wiki.Reader"]})
        async with serve_web(more_servers=(restricted,)) as url:
            visitor = await visitors(url=url).sign_in()
            answer = await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")
            assert [(s["name"], s["status"], s["tools"]) for s in answer.body["servers"]][1] == (
                "wiki", "ready", 0,
            )  # fmt: skip
