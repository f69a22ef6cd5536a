"""MCP servers of a person's own in the demo, by option and from an editor's file."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mcpsecurity.cli.demo_servers import OwnServer, OwnServers, ServerOptionError, own_servers
from mcpsecurity_webclient.server_settings import McpServerSettings

FILES = ("npx", "-y", "@modelcontextprotocol/server-filesystem", ".")


def settings_of(servers: list[OwnServer]) -> list[dict[str, object]]:
    return [server.setting("api://x/mcp:tools") for server in servers]


def test_people_can_sign_in_for_a_server_without_a_key_where_a_token_goes_encrypted() -> None:
    servers = own_servers(["https://a.example/mcp", "http://localhost:1/mcp", "http://b.example/mcp"]).servers
    with_key = OwnServer("C", "C", "https://c.example/mcp", more={"headers": {"X-Key": "key"}})
    found = [entry.get("sign_in") for entry in settings_of([*servers, with_key])]
    assert found == ["oauth", "oauth", None, None]


def written(folder: Path, content: Any) -> Path:
    file = folder / "mcp.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


def test_a_server_is_named_by_the_option_or_shown_by_its_address() -> None:
    servers = own_servers(["Files=http://localhost:3001/mcp?a=b", "https://mcp.example:8443/x"]).servers
    assert settings_of(servers) == [
        {"name": "Files", "title": "Files", "url": "http://localhost:3001/mcp?a=b", "sign_in": "oauth"},
        {
            "name": "Server2",
            "title": "mcp.example:8443",
            "url": "https://mcp.example:8443/x",
            "sign_in": "oauth",
        },
    ]


@pytest.mark.parametrize(
    ("option", "title", "command"),
    [
        ("Files=npx -y @modelcontextprotocol/server-filesystem .", "Files", FILES),
        ("npx -y @modelcontextprotocol/server-filesystem .", "server-filesystem", FILES),
        (
            "npx mcp-remote https://mcp.example/mcp",
            "mcp-remote",
            ("npx", "mcp-remote", "https://mcp.example/mcp"),
        ),
        ("Say=./say --words 'two words' --x=1", "Say", ("./say", "--words", "two words", "--x=1")),
        (f"Py={sys.executable}", "Py", (sys.executable,)),
    ],
)
def test_a_command_is_served_for_the_tokens_of_the_demo(
    option: str, title: str, command: tuple[str, ...]
) -> None:
    [server] = own_servers([option]).servers
    assert (server.title, server.command) == (title, command)
    assert str(settings_of([server])[0]["url"]).startswith("http://localhost:")
    assert settings_of([server])[0]["scope"] == "api://x/mcp:tools"


def test_without_options_there_are_no_further_servers() -> None:
    assert own_servers([]) == OwnServers([], [])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["localhost:3001/mcp"], "write http://HOST:PORT/mcp"),
        (["Files=ftp://localhost/mcp"], "write http://HOST:PORT/mcp"),
        (["My files=http://localhost/mcp"], "write http://HOST:PORT/mcp"),
        (["http://local host/mcp"], "write http://HOST:PORT/mcp"),
        (["Files=no-such-program"], "NAME='COMMAND ARGUMENTS'"),
        (["Files=npx 'server"], "a quotation mark has no partner"),
        (["A=http://localhost:1/mcp", "a=http://localhost:2/mcp"], "there is a server named a already"),
        (["Tools=http://localhost:1/mcp"], "there is a server named Tools already"),
    ],
)
def test_an_option_that_the_chat_would_refuse_says_what_to_write(options: list[str], reason: str) -> None:
    with pytest.raises(ServerOptionError, match=reason):
        own_servers(options)


def test_the_servers_of_a_file_get_short_names_of_their_own_and_what_else_it_says_of_them(
    tmp_path: Path,
) -> None:
    entries = {
        "file system": {"command": sys.executable, "args": ["x.py"], "env": {"ROOT": "/x"}},
        "file-system": {"url": "https://files.example/mcp", "headers": {"X-Key": "k1"}, "tools": ["read"]},
        "2 Tools": {"url": "https://t.example/mcp", "oauth": {"clientId": "c1", "clientSecret": "s1"}},
        "!": {"url": "https://x.example/mcp", "disabledTools": ["rm", ""]},
        "old": {"url": "ftp://x.example/sse"},
    }
    found = own_servers(["Tool=http://localhost:1/mcp"], written(tmp_path, {"mcpServers": entries}))
    command, files, tools, other = found.servers[1:]
    assert (command.name, command.title, command.variables) == ("file-system", "file system", {"ROOT": "/x"})
    assert command.optional
    assert settings_of([files])[0] == {
        "name": "file-system-2",
        "title": "file-system",
        "url": "https://files.example/mcp",
        "headers": {"X-Key": "k1"},
        "include": ["read"],
    }
    assert settings_of([tools])[0] == {
        "name": "Tools-2",
        "title": "2 Tools",
        "url": "https://t.example/mcp",
        "sign_in": "oauth",
        "client_id": "c1",
        "client_secret": "s1",
    }
    assert settings_of([other])[0]["exclude"] == ["rm"]
    assert other.name == "Server"
    assert [missing.title for missing in found.left_out] == ["old"]
    assert "k1" not in repr(found)
    assert "s1" not in repr(found)


def test_what_the_chat_is_told_of_the_servers_of_a_file_are_settings_that_it_takes(tmp_path: Path) -> None:
    entries = {
        "a" * 300: {"url": "https://a.example/mcp", "headers": {"X-Key": "k1"}, "tools": ["x" * 300, "b"]},
        "Ä": {"url": "http://localhost:1/mcp", "auth": {"CLIENT_ID": "c"}},
    }
    found = own_servers([], written(tmp_path, {"mcpServers": entries}))
    read = [McpServerSettings.model_validate(entry) for entry in settings_of(found.servers)]
    assert [server.include for server in read] == [("b",), ("*",)]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerOptionError, match=r"mcp\.json: No such file"):
        own_servers([], tmp_path / "mcp.json")


def test_a_file_of_another_kind_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ServerOptionError, match='neither "mcpServers" nor "servers"'):
        own_servers([], written(tmp_path, {"a": 1}))
