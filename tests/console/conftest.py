"""The chat program in a pseudo-terminal, against the local stack."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel, Field
from tests.support.device import enter_code
from tests.support.programs import unmeasured

from mcpsecurity.testing import LocalStack, ServedMcp

YOU = "you>"
_TAKEN = "\x1b[?2004l"
"""What the terminal is sent when a line has been read: pastes are no longer bracketed."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")


class Order(BaseModel):
    """A form."""

    cake: str = Field(title="Cake", json_schema_extra={"enum": ["apple", "carrot"]})
    pieces: int = Field(title="Pieces", ge=1, le=12)


def bakery() -> FastMCP[Any]:
    """Return a server whose tools the offline model finds by their words."""
    mcp: FastMCP[Any] = FastMCP("Bakery", log_level="WARNING")

    @mcp.tool()
    async def order_cake(ctx: Context[Any, Any, Any]) -> str:
        """Order a cake."""
        answer = await ctx.elicit("What shall it be?", Order)
        return f"{answer.data.pieces} {answer.data.cake}" if answer.action == "accept" else answer.action

    @mcp.tool()
    def bake_bread(loaves: int) -> str:
        """Bake bread."""
        return f"{loaves} loaves"

    @mcp.tool()
    async def praise_bread(ctx: Context[Any, Any, Any], times: int = 1) -> str:
        """Praise bread, in words of the model."""
        text = types.TextContent(type="text", text=" ".join(["Praise bread."] * times))
        said = types.SamplingMessage(role="user", content=text)
        answer = await ctx.session.create_message([said], max_tokens=100, system_prompt="Be brief.")
        return answer.content.text if isinstance(answer.content, types.TextContent) else "nothing"

    @mcp.tool()
    async def knead_dough() -> str:
        """Knead dough for ever."""
        import asyncio

        await asyncio.Event().wait()
        return "never"

    @mcp.prompt()
    def breakfast(loaves: str) -> str:
        """Prepare breakfast."""
        return f"Bake bread: {loaves} loaves"

    return mcp


class Screen:
    """What a person at the terminal sees and types."""

    def __init__(self, process: Any) -> None:
        self.process = process

    def see(self, text: str) -> str:
        """Wait until a text is shown; return everything that was shown before it."""
        self.process.expect_exact(text)
        return _ESCAPES.sub("", self.process.before)

    def type(self, line: str) -> None:
        """Type a line where one is asked for, and wait until it is taken."""
        self.process.sendline(line)
        self.process.expect_exact(_TAKEN)

    def press(self, key: str) -> None:
        """Press Ctrl and a letter where a line is asked for."""
        self.process.sendcontrol(key)
        self.process.expect_exact(_TAKEN)

    def end(self) -> int | None:
        """Wait for the program's end; return its exit code."""
        self.process.expect(pexpect.EOF)
        self.process.close()
        code: int | None = self.process.exitstatus
        return code


Start = Callable[..., Screen]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        stack.cloud.tenant.device_poll_interval = 1
        yield stack


@pytest.fixture(scope="module")
def server(stack: LocalStack) -> ServedMcp:
    return stack.serve(bakery())


@pytest.fixture
def start(stack: LocalStack, server: ServedMcp, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts the program with arguments and more environment variables."""
    environment = {
        **unmeasured(),
        **stack.environment,
        "CONSOLE_CLIENT_ID": stack.cloud.public_client_id,
        "CONSOLE_TOKEN_CACHE": str(tmp_path / "tokens"),
        "MCP_SERVER_URL": server.url,
        "MCP_SERVER_SCOPE": server.scope,
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),  # never for loopback
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "TERM": "xterm",
    }
    running: list[Any] = []

    def begin(
        *arguments: str, code: str | None = None, columns: int = 250, cwd: Path = tmp_path, **more: str
    ) -> Screen:
        command = ["-c", code] if code is not None else ["-m", "mcpsecurity", "chat"]
        process = pexpect.spawn(
            sys.executable,
            [*command, *arguments],
            env=environment | more,
            cwd=str(cwd),
            encoding="utf-8",
            timeout=40,
            dimensions=(60, columns),
        )
        running.append(process)
        return Screen(process)

    yield begin
    for process in running:
        process.close(force=True)


@pytest.fixture
def signed_in(start: Start) -> Screen:
    """The program, with alice signed in by device code, waiting for a message."""
    screen = start("--device-code")
    sign_in(screen)
    screen.see(YOU)
    return screen


def sign_in(screen: Screen, user: str = "alice@contoso.example") -> None:
    """Enter the code that is shown, in a browser."""
    screen.process.expect(r"open the page (\S+) and enter the code (\S+) to")
    person = threading.Thread(target=enter_code, args=(*screen.process.match.groups(), user))
    person.start()
    person.join(20)
