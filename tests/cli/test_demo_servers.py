"""MCP servers of a person's own in the demo, by option."""

import json

import pytest

from mcpsecurity.cli.demo_servers import ServerOptionError, servers_setting


def test_a_server_is_named_by_the_option_or_shown_by_its_address() -> None:
    setting = servers_setting(["Files=http://localhost:3001/mcp?a=b", "https://mcp.example:8443/x"])
    assert json.loads(setting) == [
        {"name": "Files", "title": "Files", "url": "http://localhost:3001/mcp?a=b"},
        {"name": "Server2", "title": "mcp.example:8443", "url": "https://mcp.example:8443/x"},
    ]


def test_without_options_there_are_no_further_servers() -> None:
    assert servers_setting([]) == "[]"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["localhost:3001/mcp"], "write http://HOST:PORT/mcp"),
        (["Files=ftp://localhost/mcp"], "write http://HOST:PORT/mcp"),
        (["My files=http://localhost/mcp"], "write http://HOST:PORT/mcp"),
        (["http://local host/mcp"], "write http://HOST:PORT/mcp"),
        (["npx -y server ."], "run `uvx mcp-proxy --port 3001 -- npx -y server .` in another terminal"),
        (["Files=./bin/server --root=/srv"], "mcp-proxy --port 3001 -- ./bin/server --root=/srv"),
        (["A=http://localhost:1/mcp", "a=http://localhost:2/mcp"], "there is a server named a already"),
        (["Tools=http://localhost:1/mcp"], "there is a server named Tools already"),
    ],
)
def test_an_option_that_the_chat_would_refuse_says_what_to_write(options: list[str], reason: str) -> None:
    with pytest.raises(ServerOptionError, match=reason):
        servers_setting(options)
