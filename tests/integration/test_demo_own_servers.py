"""`mcpsecurity demo` with MCP servers that are commands, from the file that an editor reads."""

import json
import sys
from pathlib import Path

import pytest
from tests.integration.test_demo import free_offset, output_of, running_demo
from tests.support.eventually import eventually
from tests.webclient.person import WebPerson

pytestmark = pytest.mark.timeout(120)
LAST_WORDS = "import sys; print('this is no MCP server'); sys.exit('\x1b[31msorry\x1b[0m')"
NOTES = Path(__file__).parents[1] / "server" / "stdio" / "notes.py"


async def test_a_command_of_an_editors_file_is_called_and_each_person_has_a_process_of_their_own(
    tmp_path: Path,
) -> None:
    file = tmp_path / "mcp.json"
    entry = {"command": sys.executable, "args": [str(NOTES)], "env": {"COLOUR": "${WISH}"}}
    file.write_text(json.dumps({"mcpServers": {"my notes": entry}}), "utf-8")
    told = list[str]()
    options = ("--mcp-config", str(file))
    async with running_demo(tmp_path, *options, WISH="blue") as (_, ready, _):
        for name in ("alice", "bob"):
            person = WebPerson(ready["webclient"], Path(ready["ca_file"]))
            async with person:
                await person.sign_in(f"{name}@contoso.example")
                async with person.page() as page:
                    await person.command("messages", text=f"note {name}")
                    call = (await page.until("tool.proposed"))["call"]
                    assert call["server"] == "my-notes"
                    assert await person.decide(call) == 202
                    told.append((await page.until("tool.done"))["content"][0]["text"])
                    await page.until("run.done")
    assert told == ["alice", "bob"]


async def test_the_demo_goes_on_without_servers_of_a_file_that_do_not_start_and_names_each(
    tmp_path: Path,
) -> None:
    entries = {
        "notes": {"command": sys.executable, "args": [str(NOTES)], "env": {"PYTHONPATH": "/nowhere"}},
        "no server": {"command": sys.executable, "args": ["-c", LAST_WORDS]},
        "missing": {"command": "no-such-program"},
        "keyed": {"command": sys.executable, "env": {"KEY": "${input:key}"}},
    }
    file = tmp_path / "mcp.json"
    file.write_text("// of an editor\n" + json.dumps({"servers": entries}), "utf-8")
    async with running_demo(tmp_path, "--mcp-config", str(file)) as (process, ready, _):
        person = WebPerson(ready["webclient"], Path(ready["ca_file"]))
        async with person:
            await person.sign_in("alice@contoso.example")
            async with person.page() as page:
                await person.command("messages", text="note Ada")
                assert (await page.until("tool.proposed"))["call"]["server"] == "notes"
        process.terminate()
        assert process.stderr is not None
        told = (await process.stderr.read()).decode()
    assert "MCP servers of your own: notes\n" in told
    for words in (
        "\nno server: sorry\n",
        "no server does not run: its command ended at its start; what it said is above. The chat lists it",
        "missing is left out: no-such-program is not found: install it, or put its folder on PATH.",
        "keyed is left out: it needs the input key; set the variable INPUT_KEY.",
    ):
        assert words in told
    assert "Traceback" not in told


async def test_a_server_of_a_file_that_starts_late_is_used_once_it_answers(tmp_path: Path) -> None:
    gate, notes = tmp_path / "gate", [sys.executable, str(NOTES)]
    code = f"""import os, time
while not os.path.exists({str(gate)!r}):
    time.sleep(0.1)
os.execv({notes[0]!r}, {notes!r})"""
    entry = {"command": sys.executable, "args": ["-c", code]}
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"late": entry}}), "utf-8")
    async with running_demo(tmp_path, "--mcp-config", str(file)) as (_, ready, _):
        person = WebPerson(ready["webclient"], Path(ready["ca_file"]))
        async with person:
            await person.sign_in("alice@contoso.example")
            async with person.page() as page:

                async def proposes_it() -> bool:
                    await person.command("messages", text="note milk")
                    while (event := await page.next())[0] not in ("tool.proposed", "run.done"):
                        pass
                    return event[0] == "tool.proposed" and event[1]["call"]["server"] == "late"

                assert not await proposes_it()
                gate.touch()
                await eventually(proposes_it, seconds=60)


async def test_a_command_that_is_not_there_ends_the_demo_with_its_name(tmp_path: Path) -> None:
    offset = ("--port-offset", str(free_offset()))
    code, _, told = await output_of(
        tmp_path, "demo", "--no-browser", *offset, "--mcp-server", "Files=no-such-program x"
    )
    assert code != 0
    assert "Files: no-such-program is not found; is it installed, and on PATH?" in told
    assert "Traceback" not in told
