"""Real redis-server, PostgreSQL and nginx for tests: on free ports, in folders of their own.

Where one is not installed its tests are skipped, and the summary says so. With CI set that is a failure.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cryptography.fernet import Fernet
from redis.asyncio import Redis
from tests.support.ports import free_port

__all__ = [
    "Program",
    "clock_shifted_by",
    "listens",
    "nginx",
    "nginx_with",
    "postgresql",
    "program",
    "redis_for_an_identity",
    "redis_server",
    "unmeasured",
]

_SECONDS = 180.0
_STOP_SECONDS = 10.0
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))))


def program(name: str) -> str:
    """Return the path of an installed program; without it the test is skipped, in CI it fails."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *_FOLDERS]))
    if path is None:
        _not_installed(name)
    return path


def _not_installed(name: str) -> NoReturn:
    reason = f"{name} is not installed (tests/install_services.sh installs it on Debian)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def clock_shifted_by(seconds: float) -> dict[str, str]:
    """Return the environment in which a program's clock is ahead by so much; its monotonic clock is not."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        _not_installed("libfaketime")
    # The last keeps it from setting up shared memory, which programs that fork would fight over.
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{seconds:+.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }


def unmeasured() -> dict[str, str]:
    """Return the environment for processes whose coverage is not measured; they start in half the time."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


class Program:
    """A program that listens on a port of this machine, and that a test can stop and start again."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        ready: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self._command = command
        self._ready = ready
        self._environment = environment
        self._log = log
        self._stop_signal = stop_signal
        self._process: asyncio.subprocess.Process | None = None
        self.port = port

    async def start(self) -> None:
        """Start it and wait until it listens."""
        with (self._log or Path(os.devnull)).open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env=self._environment,
            )
        async with asyncio.timeout(_SECONDS):
            while not (await listens(self.port) and await _succeeds(self._ready)):
                if self._process.returncode is not None:
                    raise RuntimeError(f"{self._command[0]} has ended with {self._process.returncode}")
                await asyncio.sleep(0.02)

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id while it runs."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.pid

    async def stop(self, *, kill: bool = False) -> None:
        """Stop it, if it runs; `kill` gives it no time for anything."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGKILL if kill else self._stop_signal)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def redis_server() -> AsyncIterator[Program]:
    """Run a redis-server that keeps nothing over a restart."""
    path = program("redis-server")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        options = f"--port {port} --bind 127.0.0.1 --dir {folder} --appendonly no".split()
        async with _running(Program([path, *options, "--save", ""], port)) as running:
            yield running


@asynccontextmanager
async def redis_for_an_identity(token: str) -> AsyncIterator[dict[str, str]]:
    """Run a redis-server that lets the user `identity` in with `token`; yield the settings of a service."""
    async with redis_server() as running:
        admin: Any = Redis(port=running.port)
        rights = ("reset", "on", f">{token}", "~*", "&*", "+@all")
        await admin.execute_command("ACL", "SETUSER", "identity", *rights)
        await admin.aclose()
        url = f"redis://identity@127.0.0.1:{running.port}"
        yield {"redis_url": url, "keys": Fernet.generate_key().decode()}


@asynccontextmanager
async def postgresql(
    password: str | None = None, *, user: str = "tests", port: int | None = None
) -> AsyncIterator[tuple[Program, str]]:
    """Run a PostgreSQL server with an empty database; yield it and the database's address.

    With `password` the server demands it of its user; the address is without it. Without `port` it takes a
    free one.
    """
    initdb, postgres = program("initdb"), program("postgres")
    with tempfile.TemporaryDirectory() as name:
        data, port = Path(name) / "data", port or free_port()
        data.mkdir(mode=0o700)
        as_user: list[str] = []
        if os.getuid() == 0:  # it refuses to run as root
            os.chmod(name, 0o755)  # noqa: S103, PTH101 - to be entered by that user; the data folder is closed
            shutil.chown(data, "postgres", "postgres")
            as_user = [program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        first = Path(name) / "first"
        first.write_text(f"{password or 'unused'}\n")
        first.chmod(0o644)
        method = "trust" if password is None else "scram-sha-256"
        making = await asyncio.create_subprocess_exec(
            *as_user, initdb, "-D", str(data), "-A", method, "-U", user, "-E", "UTF8", "--no-sync",
            f"--pwfile={first}",
            stdout=asyncio.subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        assert await making.wait() == 0
        options = f"-D {data} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off".split()
        command = [*as_user, postgres, *options, "-c", "unix_socket_directories="]
        ready = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        # SIGTERM would wait for its clients to go.
        server = Program(command, port, stop_signal=signal.SIGINT, ready=ready)
        async with _running(server) as running:
            yield running, f"postgresql://{user}@127.0.0.1:{port}/postgres"


@asynccontextmanager
async def nginx(upstreams: Mapping[int, Sequence[int]]) -> AsyncIterator[Program]:
    """Run a proxy without stickiness: for each port, round-robin over the ports behind it."""
    blocks = "".join(_proxied(port, behind) for port, behind in upstreams.items())
    async with nginx_with(blocks, next(iter(upstreams))) as running:
        yield running


@asynccontextmanager
async def nginx_with(blocks: str, port: int) -> AsyncIterator[Program]:
    """Run nginx with these blocks of its `http`; one listens on the port."""
    path = program("nginx")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, blocks=blocks))
        command = [path, "-c", str(config), "-p", folder, "-e", f"{folder}/error.log"]
        async with _running(Program(command, port)) as running:
            yield running


_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_buffer_size 10m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {blocks}
}}
"""


def _proxied(port: int, behind: Sequence[int]) -> str:
    # By default it passes over a server that it has missed, and soon over both of two that are restarted in
    # turn: then it answers 502 although they are there.
    servers = " ".join(f"server 127.0.0.1:{p} max_fails=0;" for p in behind)
    return f"""
  upstream u{port} {{ {servers} keepalive 64; }}
  server {{
    large_client_header_buffers 4 64k; client_max_body_size 10m; listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://u{port}; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_buffering off; proxy_read_timeout 1h;
    }}
  }}"""


@asynccontextmanager
async def _running(running: Program) -> AsyncIterator[Program]:
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


async def listens(port: int) -> bool:
    """Tell whether a program takes connections at this port of loopback."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _succeeds(command: Sequence[str]) -> bool:
    if not command:
        return True
    process = await asyncio.create_subprocess_exec(*command)
    return await process.wait() == 0
