"""Nobody can write a line into the log that the server did not write."""

import pytest
from tests.server.transport.conftest import Serve
from tests.server.transport.either import REVISIONS, EitherClient
from tests.server.transport.program import program
from tests.support.lines import logged_lines

FORGED = "2026-01-01 00:00:00,000 INFO    forged: FORGED"


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n", "\u2028", "\x85"], ids=repr)
async def test_a_request_cannot_hold_a_line(serve: Serve, revision: str, ending: str) -> None:
    text = f"x{ending}{FORGED}"
    async with serve(program()) as served:
        client = EitherClient(served, revision)
        with logged_lines() as lines:
            await client.request("prompts/get", {"name": "ask", "arguments": {text: "1"}})
            await client.request("prompts/get", {"name": "ask", "arguments": {"topic": [text]}})
            await client.call("add", {text: text, "a": text})
            await client.request("completion/complete", {"ref": text, "argument": text})
            await client.request(f"ping{ending}{FORGED}" if revision == REVISIONS[0] else "ping", {}, id=text)
    assert not [line for line in lines.getvalue().splitlines() if line.startswith("2026-01-01")]
