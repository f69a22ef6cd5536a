"""What the demo says first: what to open and as whom; then what else there is, as it can be typed."""

import shutil
import sys
from pathlib import Path

import pytest

from mcpsecurity.cli.demo_welcome import editor_hint, own_command, servers_lines, welcome
from mcpsecurity.own_servers import LeftOut

PEOPLE = ["alice@contoso.example", "bob@contoso.example", "guest@fabrikam.example"]


def test_the_first_words_are_the_address_and_the_name() -> None:
    lines = [
        line.strip()
        for line in welcome("http://localhost:5001", "http://…/mcp", PEOPLE, 0).splitlines()
        if line
    ]
    assert lines[0].split() == ["Open", "http://localhost:5001"]
    assert lines[1].startswith("Sign in as  alice@contoso.example")


def test_everybody_and_every_command_is_named_with_the_offset() -> None:
    said = welcome("http://localhost:5101", "http://localhost:7233/mcp", PEOPLE, 100, "The model is m at u.")
    assert "bob@contoso.example is a colleague" in said
    assert "guest@fabrikam.example is a guest" in said
    assert "chat --local --port-offset 100" in said
    assert "token --user alice --port-offset 100" in said
    assert "http://localhost:7233/mcp" in said
    assert "The model is m at u." in said
    assert "The weather is made up" in said, "an answer looks like a forecast"
    assert "--port-offset" not in welcome("u", "m", PEOPLE, 0)


def test_servers_that_are_used_and_left_out_are_named_once() -> None:
    lines = servers_lines(["a", "b"], [LeftOut("b", "it ended"), LeftOut("c", "it is switched off")])
    assert lines == [
        "MCP servers of your own: a",
        "  b is left out: it ended.",
        "  c is left out: it is switched off.",
    ]
    assert "  MCP servers of your own: a\n    b is left out" in welcome("u", "m", PEOPLE, 0, "", lines)
    used, ended = servers_lines(["a", "b"], [], [], ["b"])
    assert used.endswith(": a")
    assert ended.startswith("  b does not run: its command ended at its start")
    assert servers_lines(["a"], [], ["a"])[1].startswith("  a is still starting")
    assert servers_lines([], []) == []
    assert servers_lines([], [LeftOut("c", "x")])[0].endswith(": none")


def test_a_person_with_an_editors_file_reads_how_the_demo_gets_it(tmp_path: Path) -> None:
    typed = 'make demo ARGS="{}"'
    assert editor_hint(typed, tmp_path)[0] == 'make demo ARGS="--mcp-config FILE"'
    folder = tmp_path / "Library" / "Application Support" / "Claude"
    folder.mkdir(parents=True)
    file = folder / "claude_desktop_config.json"
    file.touch()
    assert editor_hint(typed, tmp_path)[0] == f"make demo ARGS=\"--mcp-config '{file}'\""
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").touch()
    assert editor_hint("demo {}", tmp_path)[0] == "demo --mcp-config ~/.cursor/mcp.json"


def test_the_command_is_typed_as_this_person_can_type_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = Path(sys.executable).with_name("mcpsecurity")
    if not beside.exists():
        pytest.skip("the command is not installed here")
    for key in ("UV", "VIRTUAL_ENV"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(beside.parent.parent)
    assert shutil.which("mcpsecurity") is None
    assert own_command() == str(Path(beside.parent.name, "mcpsecurity"))
    monkeypatch.chdir(tmp_path)
    assert own_command() == str(beside)
    monkeypatch.setenv("PATH", str(beside.parent))
    assert own_command() == "mcpsecurity"
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert own_command() == str(beside), "`uvx` has a PATH that the next terminal lacks"
    monkeypatch.setenv("VIRTUAL_ENV", str(beside.parent.parent))
    assert own_command() == "mcpsecurity", "`uv run` in an environment that is active"
