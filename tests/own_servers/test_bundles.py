"""MCP bundles: their manifest, and what their user configures."""

import os
import sys
from pathlib import Path
from typing import Any

from tests.own_servers.places import Person, found_in, only

MANIFEST = {
    "manifest_version": "0.3",
    "name": "files",
    "display_name": "My files",
    "server": {
        "type": "node",
        "entry_point": "server/index.js",
        "mcp_config": {
            "command": "node",
            "args": ["${__dirname}/server/index.js", "${user_config.folders}"],
            "env": {"KEY": "${user_config.key}", "MODE": "${user_config.mode}", "ON": "${user_config.on}"},
            "platform_overrides": {sys.platform: {"env": {"KEY": "${user_config.key}", "HERE": "yes"}}},
        },
    },
    "user_config": {
        "folders": {"type": "directory", "multiple": True, "default": ["${HOME}/Desktop", "${DOCUMENTS}"]},
        "key": {"type": "string", "title": "API key", "sensitive": True, "required": True},
        "mode": {"type": "string"},
        "on": {"type": "boolean", "default": True},
    },
}


def manifest(**server: Any) -> dict[str, Any]:
    return {**MANIFEST, "server": {**MANIFEST["server"], **server}}  # type: ignore[dict-item] # a dict


def test_a_bundle_is_started_in_its_folder_with_what_its_user_configures(tmp_path: Path) -> None:
    person = Person({"key (API key)": "k"})
    server = only(found_in(tmp_path / "manifest.json", MANIFEST, person=person))
    home = Path.home()
    assert (server.title, server.folder) == ("My files", tmp_path)
    folders = (f"{home}/Desktop", f"{home}/Documents")
    assert server.command == ("node", f"{tmp_path}/server/index.js", *folders)
    assert server.variables == {"KEY": "k", "HERE": "yes"}
    assert person.asked == [("key (API key)", True)]


def test_values_come_from_variables_and_optional_ones_may_be_empty(tmp_path: Path) -> None:
    config = {**MANIFEST["server"]["mcp_config"]}  # type: ignore[index] # a dict
    del config["platform_overrides"]
    found = found_in(
        tmp_path / "manifest.json",
        manifest(mcp_config=config),
        INPUT_KEY="k",
        INPUT_FOLDERS=f"/a{os.pathsep}/b",
    )
    server = only(found)
    assert server.command[2:] == ("/a", "/b")
    assert server.variables == {"KEY": "k", "MODE": "", "ON": "true"}


def test_a_bundle_that_lacks_something_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    [left_out] = found_in(file, MANIFEST).left_out
    assert left_out.reason == "it needs the input key (API key); set the variable INPUT_KEY"
    [left_out] = found_in(file, {**MANIFEST, "compatibility": {"platforms": ["amiga"]}}).left_out
    assert left_out.reason == "it runs on amiga only"
    [left_out] = found_in(file, {"name": "x", "server": {"type": "node"}}).left_out
    assert left_out.reason == "its manifest does not say how it starts"
