"""Entries of servers as editors and assistants write them, each with words of its own."""

from pathlib import Path
from typing import Any

import pytest
from tests.own_servers.places import found_in, only

from mcpsecurity.own_servers import Client, Tools

STDIO = {"command": "npx", "args": ["-y", "some-server"]}
TOML = 'command = "npx"\nargs = ["-y", "some-server"]\n'
YAML = "{type: stdio, cmd: npx, args: ['-y', some-server]}"
NPX = ("npx", "-y", "some-server")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("claude_desktop_config.json", {"mcpServers": {"a": STDIO}}),
        (".mcp.json", {"mcpServers": {"a": {"type": "stdio", **STDIO}}}),
        (".mcp.json", {"a": STDIO}),
        ("cursor.json", {"mcpServers": {"a": {"command": "npx -y some-server"}}}),
        (".claude.json", {"projects": {"/x": {"mcpServers": {"a": {"command": "npx -y some-server"}}}}}),
        ("vscode.json", {"servers": {"a": STDIO}}),
        ("settings.json", {"mcp": {"servers": {"a": STDIO}}}),
        ("zed.json", {"context_servers": {"a": {"command": {"path": "npx", "args": ["-y", "some-server"]}}}}),
        ("zed.json", {"context_servers": {"a": {"source": "custom", **STDIO}}}),
        ("opencode.jsonc", {"mcp": {"a": {"type": "local", "command": ["npx", "-y", "some-server"]}}}),
        ("amp.json", {"amp.mcpServers": {"a": STDIO}}),
        ("config.toml", f"[mcp_servers.a]\n{TOML}startup_timeout_sec = 20\n"),
        ("vibe.toml", f'[[mcp_servers]]\nname = "a"\ntransport = "stdio"\n{TOML}'),
        ("continue.yaml", "mcpServers:\n  - name: a\n    command: npx\n    args: ['-y', some-server]\n"),
        ("goose.yaml", f"extensions:\n  a: {YAML}\n"),
        ("goose.yaml", f"extensions:\n  a:\n    enabled: true\n    config: {YAML}\n"),
    ],
)  # fmt: skip
def test_a_command_is_read_in_the_words_of_each_editor(tmp_path: Path, name: str, content: Any) -> None:
    server = only(found_in(tmp_path / name, content))
    assert (server.title, server.command) == ("a", NPX)


@pytest.mark.parametrize(
    "entry",
    [
        {"url": "https://x.example/mcp", "headers": {"X-Key": "k"}},
        {"type": "http", "url": "https://x.example/mcp", "headers": {"X-Key": "${KEY}"}},
        {"type": "streamable-http", "url": "https://x.example/mcp", "headers": {"X-Key": "${env:KEY}"}},
        {"type": "streamableHttp", "url": "https://x.example/mcp", "headers": {"X-Key": "$KEY"}},
        {"serverUrl": "https://${HOST:-x.example}/mcp", "headers": {"X-Key": "${OTHER:-k}"}},
        {"httpUrl": "https://x.example/mcp", "headers": {"X-Key": "k"}, "trust": True, "timeout": 5000},
        {"type": "remote", "url": "https://x.example/mcp", "headers": {"X-Key": "{env:KEY}"}},
        {"type": "streamable_http", "uri": "https://x.example/mcp", "headers": {"X-Key": "k"}},
        {"url": "https://x.example/mcp", "http_headers": {"X-Key": "k"}},
        {"url": "https://x.example/mcp", "env_http_headers": {"X-Key": "KEY", "X-Other": "NOT_SET"}},
        {"url": "https://x.example/mcp", "requestOptions": {"headers": {"X-Key": "${{ secrets.KEY }}"}}},
        {"url": "https://x.example/mcp", "headers": {"X-Key": " k ", "Accept": "text/event-stream"}},
    ],
)
def test_an_address_is_read_in_the_words_of_each_editor(tmp_path: Path, entry: dict[str, Any]) -> None:
    server = only(found_in(tmp_path / "mcp.json", {"mcpServers": {"a": entry}}, KEY="k"))
    assert (server.url, server.headers) == ("https://x.example/mcp", {"X-Key": "k"})
    assert "'k'" not in repr(server)


def test_a_token_is_that_of_the_variable_which_the_entry_names(tmp_path: Path) -> None:
    text = '[mcp_servers.a]\nurl = "https://x.example/mcp"\nbearer_token_env_var = "TOKEN"\n'
    assert only(found_in(tmp_path / "config.toml", text, TOKEN="t")).headers == {"Authorization": "Bearer t"}
    assert reason_in(tmp_path / "config.toml", text) == "the variable TOKEN is not set"
    text = "mcpServers:\n  - name: a\n    url: https://x.example/mcp\n    apiKey: ${{ secrets.TOKEN }}\n"
    assert only(found_in(tmp_path / "a.yaml", text, TOKEN="t")).headers == {"Authorization": "Bearer t"}


@pytest.mark.parametrize(
    "entry",
    [
        {"env": {"ONE": "1", "ON": True, "NUMBER": 5, "NONE": None}},
        {"environment": {"ONE": "1", "ON": "true", "NUMBER": "5"}},
        {"envs": {"ONE": "1", "ON": "true"}, "env_keys": ["NUMBER"]},
        {"env": {"ONE": "${HAS_ONE}", "ON": "true"}, "env_vars": ["NUMBER", {"name": "NOT_SET"}]},
        {"envFile": "${workspaceFolder}/.env", "env": {"ONE": "1"}},
    ],
)
def test_variables_are_read_in_the_words_of_each_editor(tmp_path: Path, entry: dict[str, Any]) -> None:
    (tmp_path / ".env").write_text("# a comment\nexport ONE=0\nON='true'\nNUMBER=5\n", "utf-8")
    content = {"mcpServers": {"a": {"command": "npx", **entry}}}
    server = only(found_in(tmp_path / "mcp.json", content, NUMBER="5", HAS_ONE="1"))
    assert server.variables == {"ONE": "1", "ON": "true", "NUMBER": "5"}
    assert "ONE" not in repr(server)


@pytest.mark.parametrize(
    ("entry", "include", "exclude"),
    [
        ({}, None, ()),
        ({"includeTools": ["a"], "excludeTools": ["b"]}, ("a",), ("b",)),
        ({"enabled_tools": ["a"], "disabled_tools": ["b"]}, ("a",), ("b",)),
        ({"tools": ["*"], "disabledTools": ["b"], "alwaysAllow": ["c"]}, ("*",), ("b",)),
        ({"tools": {"a": {"approval_mode": "auto"}}}, None, ()),
    ],
)
def test_the_tools_that_an_entry_chooses_are_offered_and_none_is_allowed_unasked(
    tmp_path: Path, entry: dict[str, Any], include: Any, exclude: Any
) -> None:
    content = {"mcpServers": {"a": {"command": "npx", **entry}}}
    server = only(found_in(tmp_path / "mcp.json", content))
    assert server.tools == Tools(include, exclude)


@pytest.mark.parametrize(
    "named",
    [
        {"auth": {"CLIENT_ID": "c", "CLIENT_SECRET": "${env:SECRET}", "scopes": ["x"]}},
        {"oauth": {"clientId": "c", "clientSecret": "{env:SECRET}"}},
        {"oauth": {"client_id": "c", "client_secret": "s"}},
    ],
)
def test_the_client_that_signs_people_in_is_the_one_of_the_entry(
    tmp_path: Path, named: dict[str, Any]
) -> None:
    content = {"mcpServers": {"a": {"url": "https://x.example/mcp", **named}}}
    server = only(found_in(tmp_path / "mcp.json", content, SECRET="s"))
    assert server.client == Client("c", "s")
    assert "'s'" not in repr(server)


def test_a_command_runs_in_the_folder_of_the_project_or_in_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "project" / "sub").mkdir(parents=True)
    script = tmp_path / "project" / "run.sh"
    script.write_text("", "utf-8")
    script.chmod(0o755)
    entries = {
        "a": {"command": "npx", "args": ["${workspaceFolder}"]},
        "b": {"command": "npx", "cwd": "sub"},
        "c": {"command": "./run.sh"},
    }
    found = found_in(tmp_path / "project" / ".vscode" / "mcp.json", {"servers": entries})
    assert [server.folder for server in found.servers] == [
        tmp_path / "project",
        tmp_path / "project" / "sub",
        tmp_path / "project",
    ]
    assert found.servers[0].command == ("npx", str(tmp_path / "project"))
    assert Path(found.servers[2].command[0]) == script


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (1, "its entry is no object"),
        ({}, 'it has neither a "url" nor a "command"'),
        ({"command": "npx", "disabled": True}, "it is switched off in the file"),
        ({"url": "https://x", "enabled": False}, "it is switched off in the file"),
        ({"command": "npx", "sandboxEnabled": True}, "the editor runs it in a sandbox"),
        ({"type": "builtin", "name": "developer"}, "it is a part of the editor itself"),
        ({"source": "extension", "settings": {}}, "an extension of the editor brings it"),
        ({"command": "npx", "args": "y"}, "its args are no list"),
        ({"command": "npx 'x"}, "a quotation mark in its command has no partner"),
        ({"command": "npx", "env": "K=1"}, "its env is no object"),
        ({"command": "npx", "cwd": "nowhere"}, "nowhere is not there"),
        ({"command": "npx", "envFile": "nowhere"}, "nowhere is not there"),
        ({"command": "no-such-program"}, "no-such-program is not found: install it, or put"),
        ({"command": "npx", "env_keys": ["KEY"]}, "the editor keeps KEY elsewhere; set this variable"),
        ({"url": "ftp://x"}, "begins with neither http:// nor https://"),
        ({"url": "https://x/y", "headers": {"X-Key": "${KEY}"}}, "the variable KEY is not set"),
        ({"url": "http://x/y", "headers": {"X-Key": "k"}}, "headers are sent by https only"),
        ({"url": "https://x/y", "headers": {"Cookie": "k"}}, "Cookie is set by the client itself"),
        ({"url": "https://x/y", "headers": {"Authorization": "Bearer "}}, "Authorization has no key"),
        ({"command": "npx", "args": ["${command:pick}"]}, r"${command:pick} is known to the editor only"),
        ({"command": "npx", "args": ["${fileDirname}"]}, r"${fileDirname} is known to the editor only"),
        ({"command": "npx", "args": ["${NOT_SET}"]}, "the variable NOT_SET is not set"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_be_used_is_left_out_with_the_reason(
    tmp_path: Path, entry: Any, reason: str
) -> None:
    content = {"mcpServers": {"a": entry, "b": {"command": "npx"}}}
    found = found_in(tmp_path / "mcp.json", content)
    assert [server.title for server in found.servers] == ["b"]
    [left_out] = found.left_out
    assert left_out.title == "a"
    assert reason in left_out.reason


@pytest.mark.parametrize("kind", [{}, {"type": "http"}, {"type": "sse"}, {"transport": "sse"}])
def test_a_server_with_the_older_transport_is_used_as_any_other(tmp_path: Path, kind: Any) -> None:
    content = {"mcpServers": {"a": {**kind, "url": "https://x.example/sse"}}}
    assert only(found_in(tmp_path / "mcp.json", content)).url == "https://x.example/sse"


def reason_in(file: Path, content: Any) -> str:
    [left_out] = found_in(file, content).left_out
    return left_out.reason


def test_a_file_of_variables_is_bounded(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=" + "x" * 1024 * 1024, "utf-8")
    found = found_in(tmp_path / "mcp.json", {"mcpServers": {"a": {"command": "npx", "envFile": ".env"}}})
    assert found.left_out[0].reason.endswith(".env is larger than 1024 KiB")
