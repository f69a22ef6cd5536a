"""The sign-in session that a browser has with the tenant, behind a cookie of its own."""

import secrets
import uuid
from dataclasses import dataclass, field

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import TENANT_ID, User
from mcpsecurity.localcloud.entra.store import ExpiringStore

__all__ = ["TENANT_NAMES", "BrowserSession", "BrowserSessions"]

TENANT_NAMES = (TENANT_ID, "common", "organizations")
"""The names by which the tenant is called in a path."""


@dataclass(slots=True)
class BrowserSession:
    """One browser. It may be signed in with several accounts, each with the time of its sign-in."""

    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accounts: dict[str, User] = field(default_factory=dict)
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))


class BrowserSessions:
    """Finds the session of a request, and sets, changes and takes away its cookie.

    The cookie is confined to the tenant's paths: browsers send a cookie of `localhost` to every port, and the
    services on the other ports have no business with this one.
    """

    def __init__(self, store: ExpiringStore[BrowserSession], cookie: str) -> None:
        """Keep sessions in `store`; name the cookie `cookie`."""
        self._store = store
        self._cookie = cookie

    def of(self, request: web.Request) -> BrowserSession | None:
        """Return the session of `request`, if it has one."""
        return self._store.get(request.cookies.get(self._cookie, ""))

    def start(self, response: web.Response) -> BrowserSession:
        """Start a session and hand its cookie to the browser."""
        session = BrowserSession()
        self._set_cookie(response, self._store.add(session))
        return session

    def renew(self, request: web.Request, response: web.Response, session: BrowserSession) -> None:
        """Give `session` a new cookie value; the one before is worth nothing any more (session fixation)."""
        self._store.remove(request.cookies.get(self._cookie, ""))
        self._set_cookie(response, self._store.add(session))

    def end(self, request: web.Request, response: web.Response) -> None:
        """Forget the session of `request` and take its cookie away."""
        self._store.remove(request.cookies.get(self._cookie, ""))
        self._set_cookie(response, "", "; Max-Age=0")

    def _set_cookie(self, response: web.Response, value: str, extra: str = "") -> None:
        for name in TENANT_NAMES:
            cookie = f"{self._cookie}={value}; Path=/{name}; HttpOnly; SameSite=Lax{extra}"
            response.headers.add("Set-Cookie", cookie)
