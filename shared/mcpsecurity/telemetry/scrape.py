"""`/metrics` for Prometheus, on a port that serves nothing else."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from mcpsecurity.runtime.service import started_runner
from mcpsecurity.settings import MetricsPort, SettingsError
from mcpsecurity.telemetry.running import Telemetry


def add_metrics_port(
    app: web.Application, telemetry: Telemetry, where: MetricsPort | None, worker: int = 0
) -> None:
    """Serve what `telemetry` measures as long as `app` runs. Each of several workers has a port of its own.

    Raises (when the application starts):
        SettingsError: the port cannot be bound.
    """
    if telemetry.registry is None or where is None:
        return
    scraped, host, port = _application(telemetry.registry), where.host, where.port + worker

    async def serve(_: web.Application) -> AsyncIterator[None]:
        try:
            runner = await started_runner(scraped, host, port)
        except OSError as error:
            text = f"{where.key}: cannot listen on {host}:{port}: {error.strerror}"
            raise SettingsError(text) from error
        yield
        await runner.cleanup()

    app.cleanup_ctx.append(serve)


def _application(registry: CollectorRegistry) -> web.Application:
    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        body = await asyncio.to_thread(encode, registry)  # thousands of series take a while
        return web.Response(
            body=body, headers={hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"}
        )

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app
