"""Files with MCP servers: their kinds, and the project that they belong to."""

import contextlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.own_servers.places import Person, found_in, only, write

from mcpsecurity.own_servers import FileError, Surroundings, read_servers

WORDS = (
    *("mcpServers", "servers", "mcp", "inputs", "projects", "server", "config", "command", "cmd", "args"),
    *("env", "envs", "envFile", "env_keys", "env_vars", "cwd", "path", "url", "type", "headers", "auth"),
    *("oauth", "client_id", "requestOptions", "env_http_headers", "bearer_token_env_var", "apiKey", "tools"),
    *("mcp_config", "user_config", "compatibility", "platform_overrides", "default", "packages", "remotes"),
    *("registryType", "transport", "environmentVariables", "runtimeArguments", "packageArguments", "name"),
    *("value", "variables", "identifier", "version", "isRequired", "id", "extensions", "display_name"),
)
"""Words that the reader knows, for shapes that no editor writes."""
NPM = {"registryType": "npm", "identifier": "x", "transport": {"type": "stdio"}}


def read(file: Path) -> Any:
    return read_servers(file, Surroundings({}, Person()))


def test_comments_and_commas_before_a_closing_brace_are_read(tmp_path: Path) -> None:
    text = """\ufeff{
      // "servers": {"commented": {"url": "https://x"}},
      "servers": { /* the wiki,
        on two lines */ "wiki": {
          "url": "https://x.example/mcp//a", // its address
          "headers": {"X-Note": "a // b, /* c */ ,}"}, // with a comma
        }, /* end */
      },
    }"""
    server = only(found_in(tmp_path / "mcp.json", text))
    assert server.url == "https://x.example/mcp//a"
    assert server.headers == {"X-Note": "a // b, /* c */ ,}"}


ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))

MERGED = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("mcp.json", '{"mcpServers": {}, ' + "// " * 1000 + "x", "mcp.json is no JSON"),
        ("mcp.json", '{"mcpServers": {}, ' + "/**/ */ " * 1000 + "x", "mcp.json is no JSON"),
        ("mcp.json", "/*" * 100_000, "mcp.json is no JSON"),
        ("mcp.json", '"' + '\\"' * 100_000, "mcp.json is no JSON"),
        ("config.yaml", f"a0: &a0 [x]\n{ALIASES}", "it stands for too many values"),
        ("config.yaml", "a: &a [*a]", "it stands for too many values"),
        ("config.yaml", f"a0: &a0 {{x: 1}}\n{MERGED}", "it stands for too many values"),
    ],
    ids=["comments", "ends of comments", "open comments", "an open text", "aliases", "a circle", "merged"],
)
def test_a_file_that_is_made_to_take_for_ever_is_refused(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    with pytest.raises(FileError, match=re.escape(reason)):
        found_in(tmp_path / name, content)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("mcp.json", '{"mcpServers": {}', "mcp.json is no JSON"),
        ("mcp.json", '{\n"mcpServers":\n// x\n nothing}', "line 4"),
        ("mcp.json", "[" * 100_000, "mcp.json is no JSON"),
        ("config.toml", "[mcp_servers", "config.toml is no TOML"),
        ("config.yaml", "a: [", "config.yaml is no YAML"),
        ("mcp.json", "[]", 'neither "mcpServers" nor "servers"'),
        ("mcp.json", "{}", 'neither "mcpServers" nor "servers"'),
        ("mcp.json", {"mcpServers": []}, 'neither "mcpServers" nor "servers"'),
        ("settings.json", {"editor.fontSize": 12}, 'neither "mcpServers" nor "servers"'),
        ("package.json", {"name": "x", "server": "y"}, 'neither "mcpServers" nor "servers"'),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, content: Any, reason: str) -> None:
    with pytest.raises(FileError) as failed:
        read(write(tmp_path / name, content))
    assert reason in str(failed.value)


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WORDS), _ODD)
def test_entries_of_any_shape_are_read_or_left_out(tmp_path: Path, word: str, odd: Any) -> None:
    for content in ({"servers": {"a": odd}}, {"server": {word: odd}}, {"packages": [odd], "remotes": odd}):
        with contextlib.suppress(FileError):
            read(write(tmp_path / "mcp.json", content))
    if isinstance(odd, dict):
        for content in ({word: odd}, {"server": {"mcp_config": odd}}, {"packages": [{**NPM, word: [odd]}]}):
            with contextlib.suppress(FileError):
                read(write(tmp_path / "mcp.json", content))


def test_without_a_reader_of_yaml_its_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)  # as if it was not installed
    with pytest.raises(FileError, match=r"^a file in YAML is read by the package PyYAML: pip install"):
        read(write(tmp_path / "config.yaml", "mcpServers: []"))


def test_a_folder_a_missing_file_and_an_archive_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="nowhere: No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(FileError, match="directory"):
        read(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.mcpb", "w") as bundle:
        bundle.writestr("manifest.json", json.dumps({}))
    with pytest.raises(FileError, match=r"unpack it, and name the manifest\.json"):
        read(tmp_path / "x.mcpb")
    (tmp_path / "latin").write_bytes(b"\xe4")
    with pytest.raises(FileError, match="no text in UTF-8"):
        read(tmp_path / "latin")


def test_the_servers_of_the_person_count_before_those_of_a_project_with_the_same_name(tmp_path: Path) -> None:
    content = {
        "mcpServers": {"a": {"url": "https://one.example/mcp"}},
        "projects": {
            "/x": {"mcpServers": {"a": {"url": "https://two.example/mcp"}}},
            "/y": {"mcpServers": {"b": {"url": "https://three.example/mcp"}}},
            "/z": {},
        },
    }
    found = found_in(tmp_path / ".claude.json", content)
    hosts = [(server.title, server.url) for server in found.servers]
    assert hosts == [("a", "https://one.example/mcp"), ("b", "https://three.example/mcp")]


def test_the_folder_of_the_persons_settings_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    content = {"mcpServers": {"a": {"command": "npx"}}}
    for name in (".cursor/mcp.json", ".config/Code/User/mcp.json", ".claude.json", "Library/X/Claude/c.json"):
        assert only(found_in(tmp_path / "home" / name, content)).folder == here
    for name in ("p/.cursor/mcp.json", "p/.mcp.json", "p/opencode.json"):
        assert only(found_in(tmp_path / "home" / name, content)).folder == tmp_path / "home" / "p"
