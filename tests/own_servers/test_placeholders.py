"""Placeholders: variables, folders, and what an editor asks its user for."""

from pathlib import Path
from typing import Any

import pytest
from tests.own_servers.places import Person, found_in, only

KEY = {"type": "promptString", "id": "api-key", "description": "Key of the wiki", "password": True}


def vscode(*inputs: Any, **entry: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), "servers": {"a": {"command": "npx", **entry}}}


def test_folders_and_variables_stand_in_arguments(tmp_path: Path) -> None:
    given = [
        "${userHome}/x",
        "${workspaceFolderBasename}${/}y",
        "--root=${cwd}",
        "${env:SET:-z}${UNSET:-}",
        "$SET costs",
        "a${pathSeparator}b",
    ]
    server = only(found_in(tmp_path / "p" / ".cursor" / "mcp.json", vscode(args=given), SET="s"))
    root = tmp_path / "p"
    assert server.command[1:] == (f"{Path.home()}/x", "p/y", f"--root={root}", "s", "$SET costs", "a/b")


def test_a_bare_variable_stands_in_variables_and_headers_if_it_is_set(tmp_path: Path) -> None:
    given = {"A": "$SET", "B": "Bearer $SET", "C": "$NOT_SET", "D": "pa$SET"}
    server = only(found_in(tmp_path / "mcp.json", vscode(env=given), SET="s"))
    assert server.variables == {"A": "s", "B": "Bearer s", "C": "$NOT_SET", "D": "pa$SET"}


def test_the_content_of_a_file_stands_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("k1\n", "utf-8")
    given = {"A": "{file:key.txt}", "B": f"${{file:{tmp_path}/key.txt}}"}
    assert only(found_in(tmp_path / "mcp.json", vscode(env=given))).variables == {"A": "k1", "B": "k1"}
    (tmp_path / "large").write_text("x" * 65_537, "utf-8")
    for name in ("nowhere", "large", "/dev/zero", "."):
        [left_out] = found_in(tmp_path / "mcp.json", vscode(env={"A": f"{{file:{name}}}"})).left_out
        assert left_out.reason == f"{name}, which it names, cannot be read"


def test_an_input_is_a_variable_or_what_the_person_says_and_is_asked_once(tmp_path: Path) -> None:
    content = vscode(KEY, env={"KEY": "${input:api-key}", "AGAIN": "${input:api-key}"})
    person = Person({"api-key (Key of the wiki)": "said"})
    server = only(found_in(tmp_path / "mcp.json", content, person=person))
    assert server.variables == {"KEY": "said", "AGAIN": "said"}
    assert person.asked == [("api-key (Key of the wiki)", True)]
    server = only(found_in(tmp_path / "mcp.json", content, person=person, INPUT_API_KEY="set"))
    assert server.variables["KEY"] == "set"
    assert len(person.asked) == 1


def test_an_input_that_nobody_answers_is_named_with_its_variable(tmp_path: Path) -> None:
    content = vscode(KEY, env={"KEY": "${input:api-key}"})
    [left_out] = found_in(tmp_path / "mcp.json", content).left_out
    expected = "it needs the input api-key (Key of the wiki); set the variable INPUT_API_KEY"
    assert left_out.reason == expected


def test_an_input_with_a_default_is_not_asked(tmp_path: Path) -> None:
    pick = {"type": "pickString", "id": "mode", "options": ["a", "b"], "default": "b"}
    person = Person()
    content = vscode(pick, args=["${input:mode}"])
    assert only(found_in(tmp_path / "mcp.json", content, person=person)).command[1:] == ("b",)
    set_by = found_in(tmp_path / "mcp.json", content, person=person, INPUT_MODE="a")
    assert only(set_by).command[1:] == ("a",)
    assert person.asked == []


@pytest.mark.parametrize("value", ["${HOME}/x", "$OTHER", "{env:OTHER}", "a}b{"])
def test_what_a_variable_holds_is_taken_as_it_is(tmp_path: Path, value: str) -> None:
    content = vscode(KEY, env={"A": "${VALUE}", "B": "${input:api-key}"})
    server = only(found_in(tmp_path / "mcp.json", content, VALUE=value, INPUT_API_KEY=value, OTHER="o"))
    assert server.variables == {"A": value, "B": value}
