"""`mcpsecurity demo` with MCP servers that are commands, from the file that an editor reads."""

import json
import sys
from pathlib import Path

import pytest
from tests.integration.test_demo import free_offset, output_of, running_demo
from tests.webclient.person import WebPerson

pytestmark = pytest.mark.timeout(120)
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


async def test_a_command_that_is_not_there_ends_the_demo_with_its_name(tmp_path: Path) -> None:
    offset = ("--port-offset", str(free_offset()))
    code, _, told = await output_of(
        tmp_path, "demo", "--no-browser", *offset, "--mcp-server", "Files=no-such-program x"
    )
    assert code != 0
    assert "server: no-such-program is not found; is it installed, and on PATH?" in told
    assert "Traceback" not in told
