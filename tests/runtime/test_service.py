"""A service listens, says why when it cannot, and stops on a signal."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from tests.support.eventually import eventually
from tests.support.ports import free_port

from mcpsecurity.localcloud.certificates import ensure_certificates
from mcpsecurity.runtime.service import MAX_HEADER_BYTES, ServiceRunner, started_runner
from mcpsecurity.runtime.tls import client_ssl_context

SERVICE = """
    import gc, sys
    from aiohttp import web
    from mcpsecurity.runtime.service import run_service

    usual = gc.get_threshold()
    collection = {}

    async def hello(_request):
        return web.Response(text="hello")

    async def collected(_request):
        return web.json_response(
            {**collection, "usual": gc.get_threshold() == usual, "kept": gc.get_freeze_count()}
        )

    def app():
        collection["rare"] = gc.get_threshold()[0] > usual[0]
        application = web.Application()
        application.router.add_get("/collection", collected)
        application.router.add_get("/", hello)
        async def closed(_app):
            print("closed", flush=True)
        application.on_cleanup.append(closed)
        async def started(_app):
            print("started", flush=True)
        application.on_startup.append(started)
        return application

    sys.exit(run_service(app, host="127.0.0.1", port=int(sys.argv[1]), name="test service"))
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_service_cleanly(signum: signal.Signals, tmp_path: Path) -> None:
    async with _service(tmp_path) as (process, output, url):
        await _answers(url)
        process.send_signal(signum)
        assert await output.readline() == b"closed\n"
        assert await process.wait() == 0


async def test_what_a_start_makes_is_rarely_looked_at_and_then_kept(tmp_path: Path) -> None:
    async with _service(tmp_path) as (_process, _output, url), aiohttp.ClientSession() as http:
        await _answers(url)
        async with http.get(f"{url}collection") as response:
            found = await response.json()
    assert found["rare"]
    assert found["usual"]
    assert found["kept"] > 10_000


@asynccontextmanager
async def _service(
    folder: Path,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader, str]]:
    """Run the service; yield its process, what it writes, and its address."""
    program = folder / "service.py"
    program.write_text(textwrap.dedent(SERVICE))
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), str(port), stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(90):
            assert await process.stdout.readline() == b"started\n"
            yield process, process.stdout, f"http://127.0.0.1:{port}/"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    assert await response.text() == "hello"
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)


async def test_a_taken_port_is_named_on_stderr(tmp_path: Path) -> None:
    program = tmp_path / "service.py"
    program.write_text(textwrap.dedent(SERVICE))
    runner = await started_runner(web.Application())
    port = runner.addresses[0][1]
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(program),
            str(port),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(90):
            _, message = await process.communicate()
    finally:
        await runner.cleanup()
    assert process.returncode == 1
    assert message.decode() == (
        f"test service: cannot listen on 127.0.0.1:{port}: another program already uses this port.\n"
    )


async def test_a_token_of_a_person_in_many_groups_fits_into_the_headers() -> None:
    async def length(request: web.Request) -> web.Response:
        return web.Response(text=str(len(request.headers["Authorization"])))

    app = web.Application()
    app.router.add_get("/", length)
    runner = await started_runner(app)
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(url, headers={"Authorization": "x" * 40_000}) as response:
                assert await response.text() == "40000"
            async with session.get(url, headers={"Authorization": "x" * (MAX_HEADER_BYTES + 1)}) as response:
                assert response.status == 400
    finally:
        await runner.cleanup()


async def test_a_connection_whose_handshake_ends_after_the_service_is_closed(tmp_path: Path) -> None:
    certificates = await asyncio.to_thread(ensure_certificates, tmp_path)
    runner = ServiceRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates.server_context()).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    server = runner.server
    assert server is not None
    await runner.cleanup()
    async with asyncio.timeout(90):
        with suppress(ConnectionError):
            await writer.start_tls(client_ssl_context(certificates.ca_file), server_hostname="localhost")
            assert await reader.read() == b""
    writer.close()
    await eventually(lambda: not server.connections)
