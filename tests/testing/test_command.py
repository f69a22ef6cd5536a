"""A server's program is found, waited for and ended, with what it started, however it is written."""

import shlex
import socket
import sys
from pathlib import Path

import pytest
from tests.support.eventually import eventually
from tests.support.ports import free_port

from mcpsecurity.testing import ServerCommand
from mcpsecurity.testing.command import RunningCommand

LISTENS = """
import os, signal, socket, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
host = os.environ.get("LISTEN_ON", "127.0.0.1")
family = socket.AF_INET6 if ":" in host else socket.AF_INET
with socket.create_server((host, int(os.environ["PORT"])), family=family):
    time.sleep(60)
"""
"""A server that does not end when it is asked to."""

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="the programs of these tests are POSIX shell scripts"
)


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Say whether nothing listens; to connect would in the end fill the queue of one that does not accept."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def script(path: Path) -> Path:
    """Write a shell script that runs the server as another process, and ends when it is asked to."""
    path.write_text(f"#!/bin/sh\n{sys.executable} -c {shlex.quote(LISTENS)} &\nwait\n", "utf-8")
    path.chmod(0o755)
    return path


@posix
async def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    port = free_port()
    running = RunningCommand(ServerCommand([str(script(tmp_path / "start"))]), port, {})
    assert answers(port)
    running.stop()
    await eventually(lambda: is_free(port))
    running.stop()


@posix
def test_a_program_is_started_from_the_file_that_is_found_for_its_name(tmp_path: Path) -> None:
    found = script(tmp_path / "npx.cmd")
    asked = list[tuple[str, str | None]]()

    def find_on_windows(name: str, path: str | None) -> str | None:
        asked.append((name, path))
        return str(found)

    command = ServerCommand(["npx", "server", "{port}"], environment={"PATH": "/usr/bin:/bin"})
    port = free_port()
    running = RunningCommand(command, port, {}, find_on_windows)
    assert asked == [("npx", "/usr/bin:/bin")]
    assert answers(port)
    running.stop()


@posix
def test_a_program_is_found_in_the_path_that_it_gets(tmp_path: Path) -> None:
    script(tmp_path / "our-server")
    port = free_port()
    running = RunningCommand(ServerCommand(["our-server"]), port, {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert answers(port)
    running.stop()


def test_a_server_that_listens_on_ipv6_only_is_seen() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 on loopback: {error}")
    port = free_port()
    command = ServerCommand([sys.executable, "-c", LISTENS], environment={"LISTEN_ON": "::1"}, seconds=60)
    running = RunningCommand(command, port, {})
    assert answers(port, "::1")
    running.stop()
