"""`mcpsecurity demo`, as people run it: everything answers and ends, and obstacles are named."""

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent
from tests.support.agents import makes_an_agent
from tests.support.ambient import AMBIENT, write_dotenv

from mcpsecurity import McpClient
from mcpsecurity.running_demo import NoDemoError, find_demo
from mcpsecurity.testing.web_chat import WebChat

KEYS = {
    "webclient", "mcp", "authority", "ca_file", "tenant_id", "scope", "users", "public_client_id",
    "daemon_client_id",
}  # fmt: skip
DEFAULT_PORTS = (5001, 7133, 7443, 7080)
_OURS = ("ENTRA_", "MCP", "WEBCLIENT_", "AZURE_", "OPENAI_", "OPEN_METEO_", "LOCALCLOUD_")


def free_offset() -> int:
    """Return an offset with which all four ports are free."""
    for offset in range(1000 + os.getpid() % 997, 40_000, 1009):
        try:
            for port in DEFAULT_PORTS:
                socket.create_server(("127.0.0.1", port + offset)).close()
        except OSError:
            continue
        return offset
    raise RuntimeError("no free ports")


async def start(folder: Path, *arguments: str, **more: str) -> asyncio.subprocess.Process:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)} | more
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "mcpsecurity", *arguments),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def output_of(folder: Path, *arguments: str, **more: str) -> tuple[int | None, str, str]:
    process = await start(folder, *arguments, **more)
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    return process.returncode, out.decode().strip(), err.decode()


@asynccontextmanager
async def running_demo(
    folder: Path, *options: str, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any], int]]:
    """Start a demo on free ports and yield it, what it says of itself, and its port offset."""
    offset = free_offset()
    arguments = ("demo", "--no-browser", "--port-offset", str(offset), *options)
    process = await start(folder, *arguments, **environment)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("ready {"), (line, process.returncode)
        yield process, json.loads(line.removeprefix("ready ")), offset
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


@pytest.fixture(scope="module")
async def demo(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any], int]]:
    async with running_demo(tmp_path_factory.mktemp("demo")) as found:
        yield found


async def test_the_ready_line_says_where_everything_is(demo: tuple[Any, dict[str, Any], int]) -> None:
    _, ready, offset = demo
    assert set(ready) == KEYS
    assert ready["users"][:2] == ["alice@contoso.example", "bob@contoso.example"]
    trusted = ssl.create_default_context(cafile=ready["ca_file"])
    async with aiohttp.ClientSession() as http:
        async with http.get(ready["webclient"], allow_redirects=False) as chat:
            assert (chat.status, chat.headers["Location"]) == (302, "/signin")
        async with http.get(f"http://localhost:{7133 + offset}/health") as health:
            assert health.status == 200
        metadata = f"{ready['authority']}/v2.0/.well-known/openid-configuration"
        async with http.get(metadata, ssl=trusted) as discovery:
            assert (await discovery.json())["issuer"] == f"{ready['authority']}/v2.0"


async def test_a_token_of_the_command_line_opens_the_server(
    demo: tuple[Any, dict[str, Any], int], tmp_path: Path
) -> None:
    _, ready, offset = demo
    code, token, errors = await output_of(
        tmp_path, "token", "--user", "alice@contoso.example", "--port-offset", str(offset)
    )
    assert code == 0, errors
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False) as client,
        streamable_http_client(ready["mcp"], http_client=client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        result = await session.call_tool("get_random_number", {"min": 3, "max": 4})
    assert result.structuredContent is not None
    assert result.structuredContent["number"] == 3


async def test_doctor_looks_at_the_running_demo_and_at_one_that_does_not_run(
    demo: tuple[Any, dict[str, Any], int], tmp_path: Path
) -> None:
    offset = demo[2]
    arguments = ("doctor", "--local", "--json", "--port-offset")
    code, table, errors = await output_of(tmp_path, *arguments, str(offset))
    assert code == 0, errors
    found = {finding["check"]: finding["status"] for finding in json.loads(table)}
    assert {"authority", "server", "judgement", "client secret", "redirect", "model"} <= found.keys()
    assert set(found.values()) == {"ok"}, table
    code, found_by_itself, errors = await output_of(tmp_path, *arguments[:-1])
    assert (code, json.loads(found_by_itself)) == (0, json.loads(table)), errors
    code, table, _ = await output_of(tmp_path, *arguments, str(offset + 1))
    assert code == 1
    assert "does not answer" in table


async def test_a_daemons_token_is_refused(demo: tuple[Any, dict[str, Any], int], tmp_path: Path) -> None:
    _, ready, offset = demo
    code, token, errors = await output_of(tmp_path, "token", "--daemon", "--port-offset", str(offset))
    assert code == 0, errors
    async with (
        aiohttp.ClientSession() as http,
        http.post(ready["mcp"], json={}, headers={"Authorization": f"Bearer {token}"}) as refused,
    ):
        assert refused.status == 403
        assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]


async def test_a_port_that_is_taken_is_named(demo: tuple[Any, dict[str, Any], int], tmp_path: Path) -> None:
    _, _, offset = demo
    code, out, errors = await output_of(tmp_path, "demo", "--no-browser", "--port-offset", str(offset))
    assert code not in (0, None)
    assert f":{7443 + offset}" in errors
    assert "another program already uses these ports" in errors
    assert "Starting" not in errors
    assert "--port-offset" in errors
    assert "ready" not in out
    assert "Traceback" not in errors


async def test_a_folder_that_cannot_be_written_is_named_with_the_setting_that_helps(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file, not a folder")
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    code, _, errors = await output_of(tmp_path, "demo", "--port-offset", str(free_offset()), **places)
    assert code == 1
    assert str(home / "cache") in errors
    assert "Set LOCALCLOUD_FOLDER" in errors
    assert "Traceback" not in errors


async def test_its_conversations_are_in_a_file_of_its_own(tmp_path: Path) -> None:
    folder, data = tmp_path / "cloud", tmp_path / "data"
    places = {"LOCALCLOUD_FOLDER": str(folder), "XDG_DATA_HOME": str(data)}
    async with running_demo(tmp_path, **places) as (_, _, offset):
        assert (folder / f"conversations-{5001 + offset}.sqlite3").exists()
    assert not data.exists()


async def test_settings_for_something_else_do_not_reach_it(tmp_path: Path) -> None:
    write_dotenv(tmp_path)
    ours = AMBIENT | {"LOCALCLOUD_FOLDER": str(tmp_path / "cloud"), "MCPSECURITY_LOG_LEVEL": "ERROR"}
    async with running_demo(tmp_path, **ours) as (_, ready, offset):
        assert Path(ready["ca_file"]).is_relative_to(tmp_path / "cloud")
        token = await _token(ready, offset, tmp_path / "cloud")
        async with (
            httpx.AsyncClient(
                headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
            ) as client,
            streamable_http_client(ready["mcp"], http_client=client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            weather = await session.call_tool("get_city_weather", {"city": "Zurich"})
            assert not weather.isError
        async with (
            aiohttp.ClientSession() as http,
            http.get(ready["webclient"] + "/signin", allow_redirects=False) as chat,
        ):
            assert chat.headers["Location"].startswith(
                f"http://localhost:{7080 + offset}/{ready['tenant_id']}/"
            )


async def _token(ready: dict[str, Any], offset: int, folder: Path) -> str:
    code, token, errors = await output_of(
        folder, "token", "--user", "alice", "--port-offset", str(offset), LOCALCLOUD_FOLDER=str(folder)
    )
    assert code == 0, errors
    return token


@makes_an_agent
async def test_a_program_finds_it_by_one_call(demo: tuple[Any, dict[str, Any], int]) -> None:
    _, ready, offset = demo
    kernel = Kernel()
    async with await McpClient.local(kernel, port_offset=offset, ask=None) as client:
        assert client.ask is None
        assert "alice@contoso.example" in str(await client.call_tool("who_am_i"))
        answer = await ChatCompletionAgent(kernel=kernel).get_response("A random number between 5 and 6")
        assert "5" in str(answer)
    assert kernel.services == {}
    assert "Tools" not in kernel.plugins
    async with await McpClient.local(Kernel(), user="bob", port_offset=offset, ask=None) as client:
        assert "bob@contoso.example" in str(await client.call_tool("who_am_i"))
    assert find_demo(offset).mcp == ready["mcp"]


@pytest.mark.parametrize("number", [0, 1])
@makes_an_agent
async def test_the_readmes_lines_work_as_they_stand(
    demo: tuple[Any, dict[str, Any], int], tmp_path: Path, number: int
) -> None:
    """The first block is a cell of a notebook, the second a script; both are run in an empty folder."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    found = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    code = [block for block in found if "McpClient.local" in block][number]
    (tmp_path / "code.py").write_text(code if "asyncio.run" in code else as_a_cell(code))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "code.py"),
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith(_OURS)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert re.search(r"is \*\*[1-6]\*\*|Zurich", out.decode())
    assert "Traceback" not in errors.decode()


def as_a_cell(code: str) -> str:
    """Return a program that runs code as a notebook does, whose cells may await."""
    return (
        "import ast, asyncio, inspect\n"
        f"code = compile({code!r}, 'cell', 'exec', flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)\n"
        "async def cell():\n"
        "    await eval(code, {})\n"
        "asyncio.run(cell())\n"
    )


async def test_without_a_demo_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    async with running_demo(tmp_path, LOCALCLOUD_FOLDER=str(tmp_path / "cloud")) as (_, ready, offset):
        assert find_demo(None, tmp_path / "cloud").webclient == ready["webclient"]
        with pytest.raises(NoDemoError, match=f"No demo with --port-offset {offset + 1} runs"):
            find_demo(offset + 1, tmp_path / "cloud")
    with pytest.raises(NoDemoError, match="start one by `make demo` or `mcpsecurity demo`"):
        find_demo(None, tmp_path / "cloud")
    assert list((tmp_path / "cloud").glob("demo-*.json")) == []


def see_the_tools(ready: dict[str, Any]) -> None:
    """Sign in as alice and look at the tools, for which the web chat opens a session at the server."""
    process: Any = SimpleNamespace(stop=None)  # not a chat that the testing package has started
    with WebChat(ready["webclient"], process, Path(ready["ca_file"])).client("alice@contoso.example") as http:
        chat = re.findall(r'data-chat-id="([^"]+)"', http.get("/").text)
        tools = http.get(f"/api/chats/{chat[0]}/tools").json()
    assert [server["status"] for server in tools["servers"]] == ["ready"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async with running_demo(tmp_path, LOCALCLOUD_FOLDER=str(tmp_path / "cloud")) as (process, ready, _):
        await asyncio.to_thread(see_the_tools, ready)
        process.send_signal(number)
        async with asyncio.timeout(90):
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert errors.decode().rpartition("Ctrl-C ends everything.")[2].strip() == ""
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientConnectionError):
                await http.get(ready["webclient"])


async def test_the_web_chat_names_each_setting_that_is_missing(tmp_path: Path) -> None:
    code, _, errors = await output_of(tmp_path, "webclient")
    assert code == 2
    for key in ("ENTRA_TENANT_ID", "WEBCLIENT_CLIENT_ID"):
        assert f"  {key}: not set (" in errors
    assert "  AZURE_OPENAI_ENDPOINT: no model is set; set this, or OPENAI_BASE_URL, or" in errors
    assert "Traceback" not in errors
