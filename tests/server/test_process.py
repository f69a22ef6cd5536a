"""The server as a process: how it starts, what it refuses, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from tests.support.ports import free_port

_CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("MCP_SERVER_", "ENTRA_"))}


async def _start(folder: Path, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mcpsecurity_server",
        *arguments,
        cwd=folder,
        env=_CLEAN | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _end(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(90):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (output + errors).decode()


async def test_wrong_settings_end_it_with_a_line_for_each(tmp_path: Path) -> None:
    code, text = await _end(await _start(tmp_path))
    assert code == 2
    for key in ("ENTRA_TENANT_ID", "MCP_SERVER_CLIENT_ID"):
        assert f"\n  {key}: not set (" in text
    assert "Traceback" not in text


async def test_without_authentication_it_binds_to_loopback_only(tmp_path: Path) -> None:
    code, text = await _end(await _start(tmp_path, "--no-auth", MCP_SERVER_HOST="192.0.2.1"))
    assert code == 2
    assert "MCP_SERVER_HOST: write 127.0.0.1, ::1 or localhost, as there is no authentication" in text


async def test_it_serves_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    port = free_port()
    process = await _start(tmp_path, "--no-auth", MCP_SERVER_PORT=str(port))
    try:
        async with asyncio.timeout(90), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/health") as response:
                        assert response.status == 200
                        break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
    code, text = await _end(process)
    assert code == 0, text
    assert "Traceback" not in text


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, text = await _end(await _start(tmp_path, "--no-auth", MCP_SERVER_PORT=str(port)))
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}: another program already uses this port" in text


async def test_the_server_imports_neither_semantic_kernel_nor_slow_modules() -> None:
    code = (
        "import sys, mcpsecurity_server.cli\n"
        "slow = {'semantic_kernel', 'msal', 'openai', 'opentelemetry'} & set(sys.modules)\n"
        "sys.exit(str(slow) if slow else 0)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert await _end(process) == (0, "")


async def test_a_program_that_has_the_application_keeps_its_logging(tmp_path: Path) -> None:
    lines = (
        "import logging",
        "from mcpsecurity_server.app import create_app",
        "from mcpsecurity_server.settings import ServerSettings",
        "create_app(ServerSettings(no_auth=True))",
        "print(logging.getLogger().handlers, logging.getLogger().level == logging.WARNING)",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "\n".join(lines), cwd=tmp_path, env=_CLEAN,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert await _end(process) == (0, "[] True\n")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--", "no-such-program"), 1, "server: no-such-program is not found; is it installed, and on PATH?"),
        (("--env", "NO_SUCH_VARIABLE", "--", "x"), 2, "--env: NO_SUCH_VARIABLE is not set"),
        (("--workers", "2", "--", "x"), 2, "COMMAND and --workers do not go together"),
        (("--folder", "no-such-folder", "--", "x"), 2, "no-such-folder"),
    ],
)
async def test_a_command_that_cannot_be_served_is_told_why(
    tmp_path: Path, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    port = str(free_port())
    ended, text = await _end(await _start(tmp_path, "--no-auth", *arguments, MCP_SERVER_PORT=port))
    assert ended == code, text
    assert reason in text
    assert "Traceback" not in text


async def test_what_a_command_prints_has_its_name_before_it(tmp_path: Path) -> None:
    command = ("--", sys.executable, "-c", "import sys; sys.exit('\x1b[31msorry\x1b[0m\\nbye\\a')")
    code, text = await _end(await _start(tmp_path, "--no-auth", *command))
    program = Path(sys.executable).name
    assert code == 1
    assert text.startswith(f"{program}: sorry\n{program}: bye\ufffd\nserver: ")
    named = await _start(
        tmp_path, "--no-auth", "--name", "my\nnotes", *command, MCPSECURITY_LOG_FORMAT="json"
    )
    code, text = await _end(named)
    first, second, last = text.splitlines()
    assert json.loads(first).items() >= {"level": "INFO", "message": "my notes: sorry"}.items()
    assert json.loads(second)["message"] == "my notes: bye\ufffd"
    assert last.startswith("my notes: ")
    assert last.endswith("ended before it answered as an MCP server; what it printed, if anything, is above")
