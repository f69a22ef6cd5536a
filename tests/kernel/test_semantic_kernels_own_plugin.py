"""Why there is a bridge: what Semantic Kernel's own MCP plugin does with a 401 (its issue 13414).

When this test fails because the plugin raises, its problem is solved; say so in docs/decisions.md.
"""

import asyncio
import subprocess
import sys

import pytest
from semantic_kernel import Kernel
from tests.kernel.conftest import program

from mcpsecurity import McpClient
from mcpsecurity.client import SignInRequiredError
from mcpsecurity.testing import LocalStack, ServedMcp

THEIRS = """
import asyncio, logging, os, sys
from semantic_kernel.connectors.mcp import MCPStreamableHttpPlugin
logging.disable()

async def main():
    for url, seconds in zip(sys.argv[1::2], sys.argv[2::2]):
        plugin = MCPStreamableHttpPlugin(name="Tools", url=url)
        try:
            async with asyncio.timeout(float(seconds)):
                await plugin.connect()
        except TimeoutError:
            print("hangs", flush=True)
        except Exception as error:
            print("raises", type(error).__name__, flush=True)
        else:
            print("connects", flush=True)
    os._exit(0)

asyncio.run(main())
"""


def semantic_kernels_plugin(*urls: tuple[str, float]) -> list[str]:
    """Have Semantic Kernel's plugin connect to each, for so many seconds at most, and say how that went.

    That is in a process of its own: what hangs is hard to get rid of.
    """
    arguments = [str(word) for pair in urls for word in pair]
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", THEIRS, *arguments], capture_output=True, text=True, timeout=110, check=False
    )
    return done.stdout.splitlines() or [done.stderr]


def test_semantic_kernels_plugin_hangs_on_a_401(stack: LocalStack, server: ServedMcp) -> None:
    open_to_all = stack.serve(program(), no_auth=True)
    assert semantic_kernels_plugin((open_to_all.url, 60), (server.url, 6)) == ["connects", "hangs"]
    open_to_all.stop()


async def test_ours_reports_it(server: ServedMcp) -> None:
    async with asyncio.timeout(30):
        with pytest.raises(SignInRequiredError, match=r"asks for a sign-in with the scope http.*mcp:tools"):
            await McpClient.connect(Kernel(), server.url)
