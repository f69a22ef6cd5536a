"""A chat with MCP servers that are commands of this machine, and without a tenant."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.console.conftest import YOU, Screen, Start
from tests.server.stdio import notes
from tests.support.programs import unmeasured

from mcpsecurity.testing import LocalStack, calls, says

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
]

NOTES = str(notes.__file__)
NO_TENANT = {
    **dict.fromkeys(("ENTRA_TENANT_ID", "CONSOLE_CLIENT_ID", "MCP_SERVER_URL", "MCP_SERVER_SCOPE"), ""),
    **dict.fromkeys(("MCP_SERVER_CLIENT_ID", "ENTRA_AUTHORITY"), ""),
}


@pytest.fixture
def keeping_notes(start: Start, stack: LocalStack) -> Screen:
    screen = start("--env", "COLOUR", "--", sys.executable, NOTES, COLOUR="red", **NO_TENANT)
    stack.model.clear()
    screen.see("notes, a command of this machine")
    screen.see(YOU)
    return screen


def test_a_command_asks_tells_how_far_it_is_and_answers(keeping_notes: Screen, stack: LocalStack) -> None:
    stack.model.will(calls("Tools-ask", {}), says("You are sure."))
    keeping_notes.type("Go on")
    assert "Tool call ask (notes)" in keeping_notes.see("Approve?")
    keeping_notes.type("y")
    keeping_notes.see("asking (1 of 2)")
    keeping_notes.see("Request from notes: Are you sure?")
    keeping_notes.see("Sure (y or n):")
    keeping_notes.type("y")
    keeping_notes.see("Send this?")
    keeping_notes.type("y")
    assert "You are sure." in keeping_notes.see(YOU)
    keeping_notes.press("d")
    assert keeping_notes.end() == 0


def test_ctrl_c_stops_its_call_and_it_goes_on(keeping_notes: Screen, stack: LocalStack) -> None:
    stack.model.will(calls("Tools-wait", {}))
    keeping_notes.type("Wait")
    keeping_notes.see("Approve?")
    keeping_notes.type("y")
    keeping_notes.see("running wait; Ctrl-C stops it")
    keeping_notes.see("waiting (0)")
    keeping_notes.process.sendintr()
    keeping_notes.see("(stopped)")
    keeping_notes.see(YOU)
    stack.model.will(calls("Tools-note", {"text": "after"}), says("Noted."))
    keeping_notes.type("Note it")
    keeping_notes.see("Approve?")
    keeping_notes.type("y")
    assert "Noted." in keeping_notes.see(YOU)
    keeping_notes.type("/read notes://all")
    shown = keeping_notes.see("It is in the chat now")
    assert "cancelled" in shown
    assert "after" in shown


def test_a_resource_is_listed_and_read_into_the_chat(keeping_notes: Screen, stack: LocalStack) -> None:
    keeping_notes.type("/resources")
    assert "notes://all" in keeping_notes.see(YOU)
    keeping_notes.type("/read")
    keeping_notes.see("Write the URI of a resource")
    keeping_notes.see(YOU)
    keeping_notes.type("/read notes://none")
    assert "Unknown resource" in keeping_notes.see(YOU)
    keeping_notes.type("/read notes://all")
    keeping_notes.see("It is in the chat now: ask about it.")
    keeping_notes.see(YOU)
    stack.model.will(says("It is empty."))
    keeping_notes.type("What does it say?")
    keeping_notes.see("It is empty.")
    asked = json.dumps(stack.model.asked[-1].messages)
    assert "The resource notes://all of notes" in asked


def test_a_command_gets_the_variables_that_are_named_and_not_the_models_key(
    keeping_notes: Screen, stack: LocalStack
) -> None:
    stack.model.will(
        calls("Tools-variable", {"name": "COLOUR"}),
        calls("Tools-variable", {"name": "AZURE_OPENAI_API_KEY"}),
        says("Done."),
    )
    keeping_notes.type("Go on")
    keeping_notes.see("Approve?")
    keeping_notes.type("a")
    keeping_notes.see("Done.")
    results = [m["content"] for m in stack.model.asked[-1].messages if m["role"] == "tool"]
    assert [("red" in results[0]), ("not set" in results[1])] == [True, True], results


def test_what_a_command_prints_is_shown_beside_its_name(start: Start) -> None:
    code = (
        "import runpy, sys; print('hello there', file=sys.stderr); "
        f"runpy.run_path({NOTES!r}, run_name='__main__')"
    )
    screen = start("--", sys.executable, "-c", code, **NO_TENANT)
    assert f"{Path(sys.executable).name}: hello there" in screen.see(YOU)


def test_a_command_that_ends_at_once_is_told_after_its_own_words(start: Start) -> None:
    screen = start("--", sys.executable, "-c", "import sys; sys.exit('no such file: notes.db')", **NO_TENANT)
    screen.see(": no such file: notes.db")
    screen.see("ended before it answered as an MCP server; what it printed, if anything, is above")
    assert screen.end() == 1
    screen = start("--", "no-such-program", **NO_TENANT)
    screen.see("chat: no-such-program is not found; is it installed, and on PATH?")
    assert screen.end() == 1


def test_what_a_command_says_on_its_output_before_it_ends_is_shown(start: Start) -> None:
    screen = start("--", sys.executable, "-c", "print('Usage: notes --db FILE')", **NO_TENANT)
    screen.see(": Usage: notes --db FILE")
    screen.see("ended before it answered as an MCP server")
    assert screen.end() == 1


def test_of_a_command_that_prints_much_the_first_lines_are_shown_and_log_has_all(
    start: Start, tmp_path: Path
) -> None:
    noise = "import sys\nfor n in range(40): print('line', n, file=sys.stderr)\n"
    screen = start("--", sys.executable, "-c", noise + "sys.exit('no key')", **NO_TENANT)
    assert "line 9" in screen.see("prints more; /log shows it.")
    assert "line 39" in screen.see(": no key")
    assert screen.end() == 1
    gate = tmp_path / "gate"
    waiting = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.05)\n"
    run = f"import runpy; runpy.run_path({NOTES!r}, run_name='__main__')"
    screen = start("--", sys.executable, "-c", noise + waiting + run, **NO_TENANT)
    screen.see(f"Waiting for {Path(sys.executable).name}; the first start takes longest")
    gate.touch()
    assert "line 10" not in screen.see(YOU)
    screen.type("/log")
    assert "  line 39" in screen.see(YOU)


def test_several_servers_of_an_editors_file_are_used_and_one_that_fails_is_told(
    start: Start, stack: LocalStack, tmp_path: Path
) -> None:
    entry: dict[str, Any] = {"command": sys.executable, "args": [NOTES]}
    entries = {
        "one": entry,
        "other": {**entry, "env": {"COLOUR": "blue"}},
        "wrong": {"command": "no-such-program"},
    }
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": entries}), "utf-8")
    screen = start("--mcp-config", str(file), **NO_TENANT)
    screen.see("no-such-program is not found")
    screen.see(YOU)
    stack.model.clear()
    stack.model.will(calls("other-variable", {"name": "COLOUR"}), says("Done."))
    screen.type("Go on")
    screen.see("Approve?")
    screen.type("y")
    screen.see("Done.")
    assert "blue" in json.dumps(stack.model.asked[-1].messages)
    screen.see(YOU)
    screen.type("/tools")
    assert screen.see(YOU).count("note  Keep a note, and return all.") == 2


def told(*arguments: str, **environment: str) -> tuple[int, str]:
    """Return exit code and stderr of a chat of somebody who has set nothing else."""
    names = ("PATH", "HOME", "PYTHONPATH", "SYSTEMROOT")
    bare = {name: value for name, value in unmeasured().items() if name in names}
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "mcpsecurity", "chat", *arguments],
        env=bare | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stderr


MODEL = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_CHAT_MODEL_ID": "none"}


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "shown"),
    [
        ((), {}, 2, ["Which MCP server?", "mcpsecurity chat -- npx", "--server https://HOST/mcp", "--local"]),
        ((), MODEL, 2, ["Which MCP server?"]),
        (
            ("--", "x"),
            {},
            2,
            ["no model is set; set this, or OPENAI_BASE_URL", "OPENAI_CHAT_MODEL_ID=", "--local"],
        ),
        (("--", "x"), {"OPENAI_API_KEY": "k"}, 2, ["OPENAI_CHAT_MODEL_ID: the model's name is needed"]),
        (("--server", "http://127.0.0.1:9/mcp"), MODEL, 1, ["127.0.0.1:9 does not answer"]),
        (("--server", "nonsense"), MODEL, 2, ["write http://HOST:PORT/mcp"]),
        (
            ("--env", "COLOUR", "--server", "http://127.0.0.1:9/mcp"),
            MODEL,
            2,
            ["--env and --folder are for COMMAND"],
        ),
        (("--env", "COLOUR", "--", "x"), MODEL, 2, ["--env: COLOUR is not set"]),
    ],
)
def test_what_is_missing_is_told_with_what_to_write(
    arguments: tuple[str, ...], environment: dict[str, str], code: int, shown: list[str]
) -> None:
    ended, errors = told(*arguments, **environment)
    assert ended == code, errors
    assert [text for text in shown if text not in errors] == []
    assert "Traceback" not in errors
    assert "ENTRA_TENANT_ID: " not in errors


def test_the_name_of_a_command_needs_no_dashes_before_it() -> None:
    code, errors = told("no-such-program", "-y", "something", **MODEL)
    assert (code, "no-such-program is not found" in errors) == (1, True), errors
    assert os.linesep.join(errors.splitlines()).count("\n") <= 1, "one line"
