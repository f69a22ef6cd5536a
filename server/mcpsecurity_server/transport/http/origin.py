"""Checks Host and Origin, against pages of other sites and against DNS rebinding."""

from collections.abc import Iterable

from aiohttp import hdrs, web
from yarl import URL

from mcpsecurity.runtime.loopback import is_loopback

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Decides which Host and Origin headers are served.

    `hosts` are `name`, `name:port` or `*`; `origins` are `scheme://host[:port]` or `*`. By default only
    loopback names are served, and no page of any site, except this server's own on a loopback address.
    """

    def __init__(self, hosts: Iterable[str] | None, origins: Iterable[str] | None) -> None:
        self._hosts = frozenset(host.lower() for host in hosts) if hosts is not None else _LOOPBACK
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins or ())
        self._known_hosts: dict[str, bool] = {}

    def host_allowed(self, request: web.Request) -> bool:
        """Tell whether the Host header is served; a missing one is not."""
        value = request.headers.get(hdrs.HOST, "")
        known = self._known_hosts.get(value)
        if known is None:
            known = self._check_host(value.lower())
            if len(self._known_hosts) < 100:
                self._known_hosts[value] = known
        return known

    def origin_allowed(self, request: web.Request) -> bool:
        """Tell whether the Origin header, if there is one, is allowed; `null` never is."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None:
            return True
        if origin == "null" or len(request.headers.getall(hdrs.ORIGIN)) > 1:
            return False
        return "*" in self._origins or origin.lower() in self._origins or self._same_loopback(origin, request)

    def _check_host(self, value: str) -> bool:
        if not value:
            return False
        if "*" in self._hosts or value in self._hosts:
            return True
        try:
            url = URL(f"//{value}")
        except ValueError:
            return False
        return url.host is not None and (url.host in self._hosts or f"[{url.host}]" in self._hosts)

    @staticmethod
    def _same_loopback(origin: str, request: web.Request) -> bool:
        """Tell whether the page is this server's own, on a loopback name."""
        try:
            url = URL(origin)
        except ValueError:
            return False
        same = url.scheme == request.scheme and url.authority == request.headers.get(hdrs.HOST)
        return same and is_loopback(url.host or "")
