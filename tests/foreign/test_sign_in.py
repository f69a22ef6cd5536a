"""Signing in at the authorization server of a FastMCP server, which is its own."""

from pathlib import Path

import pytest
from tests.foreign.environments import installed_python
from tests.foreign.running import environment_in
from tests.support.oauth import browser
from tests.support.ports import free_port
from tests.support.programs import Program

from mcpsecurity.client import McpConnection, result_text
from mcpsecurity.client.oauth import MemoryStore, browser_auth

pytestmark = [pytest.mark.timeout(300)]


async def test_a_person_signs_in_at_fastmcp_and_is_known_the_next_time(tmp_path: Path) -> None:
    port, store, visits = free_port(), MemoryStore(), list[str]()
    folder = installed_python("python")
    script = Path(__file__).parent / "python" / "signed_in.py"
    program = Program(
        [str(folder / "python"), str(script), str(port)],
        port,
        environment=environment_in(tmp_path),
        log=tmp_path / "log.txt",
    )

    def visit(url: str) -> bool:
        visits.append(url)
        return browser(url)

    await program.start()
    try:
        for _ in range(2):
            auth = browser_auth(program_url := f"http://127.0.0.1:{port}/mcp", store=store, open_page=visit)
            async with McpConnection(program_url, auth=auth) as connection:
                assert result_text(await connection.call_tool("whoami", {})) == "a person"
    finally:
        await program.stop()
    assert len(visits) == 1
