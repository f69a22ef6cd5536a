"""Reverse proxies: trusts the X-Forwarded headers of configured hops, and requires https for an https URL."""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from aiohttp_remotes import Secure, XForwardedRelaxed

from mcpsecurity_server.http.health import HEALTH_PATH, READY_PATH
from mcpsecurity_server.settings import ServerSettings

_NO_FRAME, _NO_SNIFFING = "DENY", "nosniff"
_STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"


def secure_headers(settings: ServerSettings) -> dict[str, str]:
    """Return the headers that protect browsers; every response has them."""
    headers = {"X-Frame-Options": _NO_FRAME, "X-Content-Type-Options": _NO_SNIFFING}
    if settings.origin.scheme == "https":
        headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
    return headers


def add_proxy_middlewares(app: web.Application, settings: ServerSettings) -> None:
    """Add the middlewares that the settings ask for. Call it before any other middleware is added."""
    if settings.trusted_proxies:
        app.middlewares.append(_require_hops(settings.trusted_proxies))
        app.middlewares.append(XForwardedRelaxed(settings.trusted_proxies).middleware)
    https = settings.origin.scheme == "https"
    secure = Secure(
        redirect_url=settings.origin if https else None,
        sts=_STRICT_TRANSPORT if https else None,
        x_frame=_NO_FRAME,
        cto=_NO_SNIFFING,
        xss=None,  # browsers removed it because it was exploitable
        white_paths=(HEALTH_PATH, READY_PATH),  # probes come from inside
    )
    app.on_response_prepare.append(secure.on_response_prepare)
    if https:
        app.middlewares.append(secure.middleware)


def _require_hops(hops: int) -> Middleware:
    """Return a middleware that refuses X-Forwarded headers with fewer entries than there are proxies."""
    names = (hdrs.X_FORWARDED_FOR, hdrs.X_FORWARDED_PROTO, hdrs.X_FORWARDED_HOST)

    @web.middleware
    async def require_hops(request: web.Request, handler: Handler) -> web.StreamResponse:
        for name in names:
            value = request.headers.get(name)
            if value is not None and value.count(",") + 1 < hops:
                raise web.HTTPBadRequest(text=f"{name} does not name every proxy.")
        return await handler(request)

    return require_hops
