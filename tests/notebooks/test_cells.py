"""Cells that are interrupted, and cells that ask for lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from tests.support.installed import installed

pytestmark = pytest.mark.timeout(120)

CONNECT = """
import asyncio
from mcp.server.fastmcp import FastMCP
from semantic_kernel import Kernel
from mcpsecurity import McpClient
from mcpsecurity.testing import LocalStack

mcp = FastMCP("Slow", log_level="ERROR")

@mcp.tool()
async def wait() -> str:
    await asyncio.Event().wait()

@mcp.tool()
async def quick() -> str:
    return "quick"

stack = LocalStack().start()
server = stack.serve(mcp)
client = await McpClient.connect(Kernel(), server.url, stack.credential(), server.scope)
print("connected")
"""


class Page:
    """Cells that are run one after the other."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, *, interrupt_at: str | None = None, typed: Sequence[str] = ()) -> str:
        """Return what a cell prints, or the name of its error; interrupt it when it has printed a word.

        `typed` are the lines that are typed when it asks for them.
        """
        lines = list(typed)
        output: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            output.append(content.get("text") or content.get("ename") or "")
            if interrupt_at is not None and interrupt_at in content.get("text", ""):
                self.manager.interrupt_kernel()

        self.client.execute_interactive(
            code,
            output_hook=hear,
            stdin_hook=lambda _: self.client.input(lines.pop(0)),
            timeout=60,
            allow_stdin=True,  # as pages do, and programs that run notebooks do not
        )
        return "".join(output).strip()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[0] = str(installed("notebook").python)
    manager.start_kernel(env=installed("notebook").environment, cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Page(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_an_interrupted_call_leaves_a_client_that_works(page: Page) -> None:
    assert page.run(CONNECT) == "connected"
    waiting = "print('waiting', flush=True)\nawait client.call_tool('wait')"
    interrupted = page.run(waiting, interrupt_at="waiting")
    assert interrupted.startswith("waiting")
    assert "Error" in interrupted or "Interrupt" in interrupted, interrupted
    assert page.run("print((await client.call_tool('quick')).structured)") == "{'result': 'quick'}"
    assert page.run("await client.aclose(); await client.aclose(); stack.stop(); print('closed')") == "closed"


def test_a_cell_that_connects_can_be_run_again(page: Page) -> None:
    assert page.run(CONNECT) == "connected"
    again = "client = await McpClient.connect(kernel, server.url, stack.credential(), server.scope)"
    assert page.run(f"kernel = Kernel()\n{again}\nfirst = client") == ""
    assert page.run(again) == ""
    assert page.run("print(client is first, kernel.plugins['Tools'] is client.plugin)") == "False True"
    assert page.run("print((await client.call_tool('quick')).structured)") == "{'result': 'quick'}"
    assert page.run("await client.aclose(); await first.aclose(); stack.stop(); print('closed')") == "closed"


ASK_BY_LINES = """
import sys
sys.modules["ipywidgets"] = None
from mcp.server.fastmcp import Context
from pydantic import BaseModel

class Name(BaseModel):
    name: str

@mcp.tool()
async def greet(ctx: Context) -> str:
    answer = await ctx.elicit("Who are you?", Name)
    return f"Hello {answer.data.name}" if answer.action == "accept" else answer.action

other = await McpClient.connect(Kernel(), server.url, stack.credential(), server.scope)
print((await other.call_tool("greet")).structured)
await other.aclose()
"""


def test_without_widgets_questions_are_asked_by_lines(page: Page) -> None:
    assert page.run(CONNECT) == "connected"
    assert "{'result': 'Hello Ada'}" in page.run(ASK_BY_LINES, typed=["Ada", "y"])
