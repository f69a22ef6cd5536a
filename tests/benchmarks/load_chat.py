"""What the web chat needs for 200 people who chat at once: time to the first words, and memory.

    .venv/bin/python -m tests.benchmarks.load_chat [--people 200] [--messages 2] [--think 20]

The web chat is a process of its own; the local cloud, the MCP server and the people are another, so that on
two cores both have one. Limits: 300 ms to the first words at the median, and 300 KiB for each idle
conversation beyond what the process needs that served one. The exit code is 1 beyond them; an event that is
lost or somebody else's ends the run.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import psutil
from tests.benchmarks.crowd import chat_at_once, crowd
from tests.support.ports import free_port

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.app import create_app as create_server
from mcpsecurity_server.settings import ServerSettings

__all__ = ["FIRST_WORDS_LIMIT", "main", "mcp_server", "measure", "web_chat"]

FIRST_WORDS_LIMIT = 0.3
MEMORY_LIMIT = 300.0
_START_SECONDS = 60.0
_IDLE_SECONDS = 30.0


@asynccontextmanager
async def mcp_server(cloud: LocalCloud) -> AsyncIterator[str]:
    """Run the MCP server in this process; yield its address."""
    port = free_port()
    url = f"http://localhost:{port}/mcp"
    cloud.register_mcp_url(url)
    settings = ServerSettings(
        authority=cloud.authority,
        tenant_id=cloud.tenant_id,
        ca_file=cloud.ca_file,
        url=url,
        port=port,
        client_id=cloud.api_client_id,
        forecast_url=cloud.open_meteo_url,
        geocoding_url=cloud.open_meteo_url,
    )
    runner = await started_runner(create_server(settings), port=port)
    try:
        yield url
    finally:
        await runner.cleanup()


@asynccontextmanager
async def web_chat(cloud: LocalCloud, mcp_url: str, **more: str) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Run the web chat; `more` are further environment variables. Yield its address and its process."""
    port = free_port()
    url = f"http://localhost:{port}"
    cloud.register_webclient_url(url)
    environment = os.environ | {
        "ENTRA_AUTHORITY": cloud.authority,
        "ENTRA_TENANT_ID": cloud.tenant_id,
        "MCPSECURITY_CA_FILE": str(cloud.ca_file),
        "WEBCLIENT_URL": url,
        "WEBCLIENT_PORT": str(port),
        "WEBCLIENT_CLIENT_ID": cloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": cloud.web_client_secret,
        "WEBCLIENT_DATABASE_URL": "sqlite://",
        "WEBCLIENT_CONNECTION_IDLE": "10",
        "MCP_SERVER_URL": mcp_url,
        "MCP_SERVER_SCOPE": cloud.scope,
        "AZURE_OPENAI_ENDPOINT": cloud.openai_endpoint,
        "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": cloud.openai_deployment,
        "AZURE_OPENAI_API_KEY": cloud.openai_api_key,
        **more,
    }
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcpsecurity_webclient", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _answers(f"{url}/health")
        yield url, psutil.Process(program.pid)
    finally:
        program.terminate()
        await program.wait()


async def _answers(url: str) -> None:
    async with asyncio.timeout(_START_SECONDS), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def measure(people: int, messages: int, think: float) -> tuple[list[float], float]:
    """Return the seconds to the first words of every answer, and KiB for each idle conversation."""
    with tempfile.TemporaryDirectory() as folder:
        settings = LocalCloudSettings(https_port=0, http_port=0, folder=Path(folder))
        async with (
            LocalCloud(settings) as cloud,
            mcp_server(cloud) as mcp_url,
            web_chat(cloud, mcp_url) as (url, process),
        ):
            async with crowd(cloud, url, 1) as first:
                await chat_at_once(first, messages=3, think=0)
            before = process.memory_info().rss
            begun = time.perf_counter()
            async with crowd(cloud, url, people) as guests:
                print(f"{people} people signed in after {time.perf_counter() - begun:.0f} s", flush=True)
                begun, used = time.perf_counter(), process.cpu_times().user
                seen = await chat_at_once(guests, messages=messages, think=think)
                lasted, used = time.perf_counter() - begun, process.cpu_times().user - used
                print(f"{seen.answers} answers with {seen.events} events in {lasted:.0f} s", flush=True)
                print(f"{used / seen.answers * 1000:.0f} ms of processor time for each answer", flush=True)
                busy = (process.memory_info().rss - before) / people / 1024
                await asyncio.sleep(_IDLE_SECONDS)
                memory = (process.memory_info().rss - before) / people / 1024
                print(f"memory: {busy:.0f} KiB for each conversation that was used just now", flush=True)
            return seen.first_words, memory


def main() -> int:
    """Print the figures; return 1 if one is beyond its limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--messages", type=int, default=2)
    parser.add_argument("--think", type=float, default=20.0)
    chosen = parser.parse_args()
    first_words, memory = asyncio.run(measure(chosen.people, chosen.messages, chosen.think))
    middle, late = median(first_words), quantiles(first_words, n=20)[-1]
    print(f"first words: {middle * 1000:.0f} ms at the median (limit 300), {late * 1000:.0f} ms at 95 %")
    print(f"memory: {memory:.0f} KiB for each idle conversation (limit 300)")
    return int(middle > FIRST_WORDS_LIMIT or memory > MEMORY_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
