"""Applications that a test brings, on a port of loopback: aiohttp's, ASGI's, and this product's own."""

import contextlib
import inspect
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

from aiohttp import web

from mcpsecurity.runtime.service import ServiceRunner

Cleanup = Callable[[], Coroutine[Any, Any, None]]

_STOP_SECONDS = 2.0
_ASGI_PARAMETERS = 3
_STARTED_SECONDS = 10.0


def is_asgi(app: Any) -> bool:
    """Return whether something is an ASGI application: a callable of scope, receive and send."""
    return callable(app) and _parameters(app) == _ASGI_PARAMETERS


def is_factory(app: Any) -> bool:
    """Return whether something makes the application: a function of the environment."""
    return inspect.isroutine(app) and _parameters(app) == 1


def _parameters(app: Any) -> int:
    try:
        return len(inspect.signature(app).parameters)
    except (TypeError, ValueError):
        return 0


async def serve_protected(mcp: Any, listener: socket.socket, settings: Mapping[str, Any]) -> Cleanup:
    """Serve a FastMCP instance, or the product's own tools for None, behind access tokens."""
    with _logging_left_alone():
        app = _create_protected_app()(mcp, **settings)
    return await serve_web(app, listener)


async def serve_web(app: web.Application, listener: socket.socket) -> Cleanup:
    """Serve an application of aiohttp."""
    runner = ServiceRunner(app, shutdown_timeout=_STOP_SECONDS)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
    except BaseException:
        listener.close()
        await runner.cleanup()
        raise
    return runner.cleanup


async def serve_asgi(app: Any, listener: socket.socket) -> Cleanup:
    """Serve an ASGI application by uvicorn, which the MCP SDK brings."""
    import asyncio  # noqa: PLC0415 - with uvicorn, only where an ASGI application is tested

    import uvicorn  # noqa: PLC0415 - see above

    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=int(_STOP_SECONDS)
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))

    async def stop() -> None:
        server.should_exit = True
        await task

    async with asyncio.timeout(_STARTED_SECONDS):
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells it by an attribute only
            await asyncio.sleep(0.01)
    if task.done():
        listener.close()
        await task
        raise RuntimeError("The ASGI application did not start.")
    return stop


@contextlib.contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Keep FastMCP from setting up logging for the whole program, as it does unless it is set up already."""
    handler, root = logging.NullHandler(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _create_protected_app() -> Any:
    """Return the server's function of that name from its entry point; the library imports no server."""
    found = entry_points(group="mcpsecurity.hosting")
    return next(iter(found)).load()
