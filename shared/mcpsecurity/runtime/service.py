"""Run one aiohttp application as a process: listen, serve, and stop when a signal says so."""

import asyncio
import errno
import gc
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from mcpsecurity.runtime.failures import without_values
from mcpsecurity.runtime.processes import set_on_stop_signal

MAX_HEADER_BYTES = 64 * 1024
"""Longest header line that is read. Entra tokens of people in many groups exceed aiohttp's 8190 bytes."""

PRIVATE_LISTENERS: web.AppKey[list[socket.socket]] = web.AppKey("private_listeners", list)
"""Further sockets that an application wants to be served on; it opens them when it starts."""

Answer = Callable[[Any], Awaitable[web.StreamResponse]]

REQUEST_WRAPPER: web.AppKey[Callable[[Answer], Answer]] = web.AppKey("request_wrapper")
"""Wraps the request handler ahead of routing."""

STOP_TIMEOUT = 4.0
"""Seconds that running requests get after a stop signal."""

_START_THRESHOLD = 20_000
"""New objects between two collections at the start, which then takes hardly any more memory than with 700."""

_LAST_CONNECTIONS_SECONDS = 0.001
_LAST_HANDSHAKES_SECONDS = 0.02

_UNREADABLE = "The request cannot be read."

_log = logging.getLogger(__name__)


def run_service(
    app_factory: Callable[[], web.Application], *, host: str, port: int, name: str, reuse_port: bool = False
) -> int:
    """Serve until SIGINT or SIGTERM; return the process's exit code.

    0 is a clean stop; 1 means that the address could not be bound, and stderr says which one and why.
    What `app_factory` raises is not caught.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(app_factory, host, port, name, reuse_port=reuse_port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
                raise
            print(f"{name}: cannot listen on {host}:{port}: {_reason(error)}", file=sys.stderr)
            return 1
    return 0


async def started_runner(
    app: web.Application, host: str = "127.0.0.1", port: int = 0, *, reuse_port: bool = False
) -> web.AppRunner:
    """Start serving `app` in this event loop and return its runner; the caller owns `runner.cleanup()`.

    Port 0 takes a free one; `runner.addresses[0][1]` says which. With `reuse_port` other processes can listen
    there, too.

    Raises:
        OSError: the address cannot be bound; nothing is left running.
    """
    runner = ServiceRunner(app)
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=1024, reuse_port=reuse_port or None).start()
        for listener in app.get(PRIVATE_LISTENERS, ()):
            await web.SockSite(runner, listener).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


class _Connection(web.RequestHandler):
    """A connection. What it answers to a request that cannot be read quotes nothing of it."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that failed; aiohttp has a message only if it was unreadable."""
        return super().handle_error(request, status, exc, None if message is None else _UNREADABLE)


class _Server(web.Server):
    """Makes a `_Connection` for each connection.

    Bodies stay as they came: a compressed one is refused where bodies are read, and never unpacked.
    """

    _stopped = False

    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # none, which the annotation does not know
            logger=_http_logger(),
            max_field_size=MAX_HEADER_BYTES,
            auto_decompress=False,
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Take a connection, or end it if its handshake took longer than the server was there."""
        super().connection_made(handler, transport)
        if self._stopped:
            asyncio.get_running_loop().call_soon(transport.abort)  # once the handler has begun

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's signature
        """Close all connections, and take no more."""
        self._stopped = True
        await super().shutdown(timeout)


class ServiceRunner(web.AppRunner):
    """Runs an application. Nothing that a request carries is quoted, neither in an answer nor in the log.

    With `handler_cancellation` a handler is cancelled when its client leaves; running requests get
    `shutdown_timeout` seconds when the runner stops.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        handler_cancellation: bool = False,
        shutdown_timeout: float = STOP_TIMEOUT,
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._cancels = handler_cancellation

    async def cleanup(self) -> None:
        """Stop listening, let running requests end, and close every connection.

        Connections that were accepted last get a moment first: aiohttp closes those that it knows, and does
        not know them before their TLS handshake is done.
        """
        if sites := self.sites:
            secure = any(site.name.startswith("https:") for site in sites)
            for site in sites:
                await site.stop()
            await asyncio.sleep(_LAST_HANDSHAKES_SECONDS if secure else _LAST_CONNECTIONS_SECONDS)
        await super().cleanup()

    async def _make_server(self) -> web.Server:  # abstract in aiohttp's `BaseRunner`
        made = await super()._make_server()
        wrap = self.app.get(REQUEST_WRAPPER)
        return _Server(
            made.request_handler if wrap is None else wrap(made.request_handler),
            request_factory=made.request_factory,
            handler_cancellation=self._cancels,
        )


def _http_logger() -> logging.Logger:
    """Return the logger for connections: what aiohttp says about requests, without a word of theirs.

    aiohttp's errors about requests that cannot be read quote them, an access token in the header included.
    """
    logger = logging.getLogger("mcpsecurity.http")
    logger.addFilter(_without_quotations)
    return logger


def _without_quotations(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname = logging.INFO, "INFO"  # the client's fault
        record.msg, record.args = "a request cannot be read: %s", (type(error).__name__,)
    elif error is not None:
        record.msg, record.args = "a request failed: %s", (without_values(error),)
    record.exc_info = record.exc_text = None
    return True


async def _serve(
    app_factory: Callable[[], web.Application], host: str, port: int, name: str, *, reuse_port: bool
) -> None:
    stopped = asyncio.Event()
    set_on_stop_signal(stopped)
    with _rarely_collected():
        runner = await started_runner(app_factory(), host, port, reuse_port=reuse_port)
    _log.info("%s listens on http://%s:%d", name, host, runner.addresses[0][1])
    try:
        await stopped.wait()
    finally:
        await runner.cleanup()
        _log.info("%s has stopped", name)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Start something whose objects stay.

    Going through them again and again took a tenth of the web chat's start. No later collection goes through
    them either, and stalls calls.
    """
    threshold = gc.get_threshold()
    gc.set_threshold(_START_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    gc.freeze()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - Windows has no uvloop

    return uvloop.new_event_loop


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program already uses this port."
    return (error.strerror or str(error)) + "."
