"""MCP servers of a person's own in the demo, by option and from an editor's file."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mcpsecurity.cli.demo_servers import OwnServer, ServerOptionError, own_servers

FILES = ("npx", "-y", "@modelcontextprotocol/server-filesystem", ".")


def settings_of(servers: list[OwnServer]) -> list[dict[str, object]]:
    return [server.setting("api://x/mcp:tools") for server in servers]


def test_people_can_sign_in_for_a_server_without_a_key_where_a_token_goes_encrypted() -> None:
    servers = own_servers(["https://a.example/mcp", "http://localhost:1/mcp", "http://b.example/mcp"])
    with_key = OwnServer("C", "C", "https://c.example/mcp", headers={"X-Key": "key"})
    found = [entry.get("sign_in") for entry in settings_of([*servers, with_key])]
    assert found == ["oauth", "oauth", None, None]


def written(folder: Path, content: Any) -> Path:
    file = folder / "mcp.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


def test_a_server_is_named_by_the_option_or_shown_by_its_address() -> None:
    servers = own_servers(["Files=http://localhost:3001/mcp?a=b", "https://mcp.example:8443/x"])
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
        ("npx -y @modelcontextprotocol/server-filesystem .", "npx", FILES),
        ("npx mcp-remote https://mcp.example/mcp", "npx", ("npx", "mcp-remote", "https://mcp.example/mcp")),
        ("Say=./say --words 'two words' --x=1", "Say", ("./say", "--words", "two words", "--x=1")),
        (f"Py={sys.executable}", "Py", (sys.executable,)),
    ],
)
def test_a_command_is_served_for_the_tokens_of_the_demo(
    option: str, title: str, command: tuple[str, ...]
) -> None:
    [server] = own_servers([option])
    assert (server.title, server.command) == (title, command)
    assert str(settings_of([server])[0]["url"]).startswith("http://localhost:")
    assert settings_of([server])[0]["scope"] == "api://x/mcp:tools"


def test_without_options_there_are_no_further_servers() -> None:
    assert own_servers([]) == []


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


@pytest.mark.parametrize("key", ["mcpServers", "servers"])
def test_the_servers_of_an_editors_file_are_used_as_the_editor_uses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("WIKI_KEY", "k1")
    file = written(
        tmp_path,
        {
            key: {
                "file system": {"command": "npx", "args": list(FILES[1:]), "env": {"ROOT": "${userHome}/x"}},
                "wiki": {
                    "type": "http",
                    "url": "https://wiki.example/mcp",
                    "headers": {"X-Key": "${env:WIKI_KEY}"},
                },
                "2fast": {"serverUrl": "https://${HOST_NAME:-fast.example}/mcp"},
                "off": {"command": "x", "disabled": True},
                "off too": {"command": "x", "enabled": False},
            }
        },
    )
    files, wiki, fast = own_servers([], file)
    assert (files.name, files.title, files.command) == ("file-system", "file system", FILES)
    assert files.variables == {"ROOT": f"{Path.home()}/x"}
    assert settings_of([wiki])[0] == {
        "name": "wiki",
        "title": "wiki",
        "url": "https://wiki.example/mcp",
        "headers": {"X-Key": "k1"},
    }
    assert (fast.name, fast.url) == ("fast", "https://fast.example/mcp")
    assert "k1" not in repr(wiki)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"mcpServers": {} // none\n}', "comments and commas before a closing brace are not read"),
        ("[]", 'neither "mcpServers" nor "servers"'),
        ({"mcpServers": {"a": 1}}, "a: no object"),
        ({"mcpServers": {"a": {}}}, 'neither a "url" nor a "command"'),
        ({"mcpServers": {"a": {"command": "x", "args": "y"}}}, "args is no list"),
        ({"mcpServers": {"a": {"command": "x", "env": "K=1"}}}, "env is no object"),
        (
            {"mcpServers": {"a": {"command": "x", "env": {"MCP_SERVER_HOST": "::"}}}},
            "MCP_SERVER_HOST is a setting",
        ),
        ({"mcpServers": {"a": {"url": "ftp://x"}}}, "no http or https address"),
        ({"mcpServers": {"a": {"url": "https://x/sse"}}}, "the transport before Streamable HTTP"),
        (
            {"mcpServers": {"a": {"type": "sse", "url": "https://x/y"}}},
            "the transport before Streamable HTTP",
        ),
        (
            {"servers": {"a": {"command": "x", "env": {"K": "${input:key}"}}}},
            r"\$\{input:key\} is known to the editor only",
        ),
        (
            {"servers": {"a": {"command": "x", "env": {"K": "${NOT_SET_HERE}"}}}},
            "variable NOT_SET_HERE is not set",
        ),
        ({"servers": {"a b": {"command": "x"}, "a-b": {"command": "x"}}}, "a server named a-b already"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path: Path, content: Any, reason: str) -> None:
    with pytest.raises(ServerOptionError, match=reason):
        own_servers([], written(tmp_path, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerOptionError, match=r"mcp\.json: No such file"):
        own_servers([], tmp_path / "mcp.json")
