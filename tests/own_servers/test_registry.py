"""A `server.json` of the MCP registry: which package or address is used, and how."""

from pathlib import Path
from typing import Any

import pytest
from tests.own_servers.places import Person, found_in, only

DIR, KEY = {"dir": {"default": "/a"}}, {"key": {"isRequired": True}}
STDIO = {"type": "stdio"}
RUN = ("npx", "-y", "@x/server@1.2.0")
NPM = {"registryType": "npm", "identifier": "@x/server", "version": "1.2.0", "transport": STDIO}


def server_json(*packages: Any, **more: Any) -> dict[str, Any]:
    return {"name": "io.github.x/server", "packages": list(packages), **more}


@pytest.mark.parametrize(
    ("package", "command"),
    [
        (NPM, RUN),
        ({**NPM, "version": None}, ("npx", "-y", "@x/server")),
        ({"registry_type": "npm", "identifier": "s", "version": "latest"}, ("npx", "-y", "s")),
        ({**NPM, "registryType": "pypi", "identifier": "s", "runtimeHint": "uvx"}, ("uvx", "s@1.2.0")),
        (
            {
                **NPM,
                "registryType": "oci",
                "identifier": "docker.io/x/s:1",
                "environmentVariables": [{"name": "KEY", "value": "k"}],
                "runtimeArguments": [{"type": "named", "name": "--network", "value": "host"}],
            },
            ("docker", "run", "-i", "--rm", "-e", "KEY", "--network", "host", "docker.io/x/s:1"),
        ),
        (
            {
                **NPM,
                "packageArguments": [
                    {"type": "positional", "value": "serve"},
                    {"type": "named", "name": "--stdio"},
                    {"type": "named", "name": "--port", "format": "number"},
                    {"type": "named", "name": "--mode", "default": "local", "choices": ["local"]},
                    {"type": "named", "name": "--root", "value": "{dir}/x", "variables": DIR},
                    {"type": "positional", "valueHint": "target_dir", "isRequired": True},
                ],
            },
            (*RUN, "serve", "--stdio", "--mode", "local", "--root", "/a/x", "/said"),
        ),
    ],
)  # fmt: skip
def test_a_package_is_started_by_its_runtime(tmp_path: Path, package: Any, command: tuple[str, ...]) -> None:
    person = Person({"target_dir": "/said"})
    server = only(found_in(tmp_path / "server.json", server_json(package), person=person))
    assert (server.title, server.command) == ("server", command)


def test_variables_are_the_persons_own_defaults_or_asked_for(tmp_path: Path) -> None:
    wanted = [
        {"name": "API_KEY", "description": "Key", "isRequired": True, "isSecret": True},
        {"name": "UNITS", "default": "celsius"},
        {"name": "OWN", "isRequired": True},
        {"name": "NOT_NEEDED"},
    ]
    content = server_json({**NPM, "environmentVariables": wanted})
    person = Person({"API_KEY (Key)": "k"})
    server = only(found_in(tmp_path / "server.json", content, person=person, OWN="o"))
    assert server.variables == {"API_KEY": "k", "UNITS": "celsius", "OWN": "o"}
    assert person.asked == [("API_KEY (Key)", True)]
    [left_out] = found_in(tmp_path / "server.json", content, OWN="o").left_out
    assert left_out.reason == "it needs API_KEY (Key); set the variable API_KEY"


def test_an_address_is_used_if_no_package_can_be(tmp_path: Path) -> None:
    remotes = [
        {"type": "sse", "url": "https://x.example/sse"},
        {
            "type": "streamable-http",
            "url": "https://{tenant}.example/mcp",
            "variables": {"tenant": {"default": "contoso"}},
            "headers": [{"name": "X-Key", "value": "Bearer {key}", "variables": KEY}],
        },
    ]  # fmt: skip
    served = {**NPM, "transport": {"type": "streamable-http", "url": "http://localhost:1/mcp"}}
    content = {"server": server_json(served, remotes=remotes), "_meta": {}}
    server = only(found_in(tmp_path / "server.json", content, KEY="k"))
    assert (server.url, server.headers) == ("https://contoso.example/mcp", {"X-Key": "Bearer k"})
    older = server_json(served, remotes=remotes[:1])
    assert only(found_in(tmp_path / "server.json", older)).url == "https://x.example/sse"
    [left_out] = found_in(tmp_path / "server.json", server_json(served)).left_out
    assert left_out.reason == "its package serves HTTP itself: start it, and name its address"
    [left_out] = found_in(tmp_path / "server.json", server_json({**NPM, "registryType": "mcpb"})).left_out
    assert left_out.reason == "a package of the kind 'mcpb' cannot be started from here"
