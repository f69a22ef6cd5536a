"""The HTTP session for Open-Meteo; the settings can replace its hosts.

The library `open-meteo` has its hosts built in. A client middleware of aiohttp changes the origin of a
request on its way out, so that the same code talks to the public service, a self-hosted one, or the local
cloud.
"""

import ssl

import aiohttp
from aiohttp import hdrs
from aiohttp.client_middlewares import ClientHandlerType, ClientMiddlewareType
from yarl import URL

from mcpsecurity.runtime.proxy import proxy_for

__all__ = ["redirect_hosts", "weather_session"]

_FORECAST_HOST = "api.open-meteo.com"
_GEOCODING_HOST = "geocoding-api.open-meteo.com"


def weather_session(forecast_url: str, geocoding_url: str, tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """Return a session, the caller's to close, that sends Open-Meteo's requests to these origins."""
    redirect = redirect_hosts({_FORECAST_HOST: URL(forecast_url), _GEOCODING_HOST: URL(geocoding_url)})
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=20),
        proxy=proxy_for(forecast_url),
        middlewares=(redirect,),
        headers={hdrs.USER_AGENT: "mcpsecurity-server"},
    )


def redirect_hosts(origins: dict[str, URL]) -> ClientMiddlewareType:
    """Return a middleware that sends requests for a host to the origin it is mapped to."""

    async def redirect(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        origin = origins.get(request.url.host or "")
        if origin is not None:
            request.url = origin.join(request.url.relative())
            request.headers[hdrs.HOST] = request.url.host_port_subcomponent or ""
        return await handler(request)

    return redirect
