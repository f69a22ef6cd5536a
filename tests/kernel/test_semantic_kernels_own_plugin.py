"""Why there is a bridge: what Semantic Kernel's own MCP plugin does with a 401 (its issue 13414).

When this test fails because the plugin raises, its problem is solved; say so in docs/decisions.md.
"""

import asyncio
import subprocess
import sys
import time

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
    plugin = MCPStreamableHttpPlugin(name="Tools", url=sys.argv[1])
    try:
        async with asyncio.timeout(4):
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


def semantic_kernels_plugin(url: str) -> str:
    """Have Semantic Kernel's plugin connect, in a process of its own: what hangs is hard to get rid of."""
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", THEIRS, url], capture_output=True, text=True, timeout=50, check=False
    )
    return done.stdout.strip() or done.stderr


@pytest.mark.timeout(120)
def test_semantic_kernels_plugin_hangs_on_a_401(stack: LocalStack, server: ServedMcp) -> None:
    open_to_all = stack.serve(program(), no_auth=True)
    assert semantic_kernels_plugin(open_to_all.url) == "connects"
    assert semantic_kernels_plugin(server.url) == "hangs"
    open_to_all.stop()


async def test_ours_reports_it_within_two_seconds(server: ServedMcp) -> None:
    began = time.monotonic()
    async with asyncio.timeout(2):
        with pytest.raises(SignInRequiredError, match=r"asks for a sign-in with the scope http.*mcp:tools"):
            await McpClient.connect(Kernel(), server.url)
    print(f"reported after {time.monotonic() - began:.3f} s")
