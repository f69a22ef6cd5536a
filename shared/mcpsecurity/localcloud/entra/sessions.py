"""The sign-in session of a browser with the tenant, found by a cookie, and the pages it was shown."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.localcloud.entra.grants import DeviceFlow, ExpiringStore
from mcpsecurity.localcloud.entra.ids import TENANT_ID
from mcpsecurity.localcloud.entra.parameters import AuthorizeRequest

TENANT_NAMES = (TENANT_ID, "common", "organizations")
"""The names of the tenant in a path."""
_LIFETIME = 86400.0
_LIMIT = 1000


@dataclass(eq=False, slots=True)
class BrowserSession:
    """One browser. It may be signed in with several accounts, by object id."""

    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accounts: dict[str, User] = field(default_factory=dict)


Purpose = AuthorizeRequest | DeviceFlow
"""What a person signs in for."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A page whose form was not sent yet: its browser session, the request, and the user once chosen."""

    session: BrowserSession
    purpose: Purpose
    user: User | None = None


def target_of(purpose: Purpose) -> str:
    """Return the redirect URI to which the answer leads; empty for a device."""
    return purpose.reply_to.redirect_uri if isinstance(purpose, AuthorizeRequest) else ""


class BrowserSessions:
    """Finds the session of a request, and sets, changes and takes away its cookie.

    The cookie is confined to the tenant's paths and bears the port in its name: browsers send a cookie of
    `localhost` to every port, where other services, or another local cloud, have no business with this one.
    """

    def __init__(self, clock: Callable[[], float], port: int) -> None:
        """Keep sessions for a day of `clock`; `port` is that of the pages."""
        self._store = ExpiringStore[BrowserSession](lifetime=_LIFETIME, limit=_LIMIT, clock=clock)
        self._cookie = f"localcloud_session_{port}"

    def of(self, request: web.Request) -> BrowserSession | None:
        """Return the session of `request`, if it has one."""
        return self._store.get(request.cookies.get(self._cookie, ""))

    def keep(self, request: web.Request, response: web.StreamResponse, session: BrowserSession) -> None:
        """Hand `session` to the browser under a new cookie value.

        What the cookie was before is worth nothing any more, so a value that was planted in a browser never
        becomes a signed-in one (session fixation).
        """
        self._store.remove(request.cookies.get(self._cookie, ""))
        self._set_cookie(response, self._store.add(session))

    def end(self, request: web.Request, response: web.StreamResponse) -> None:
        """Forget the session of `request` and take its cookie away."""
        self._store.remove(request.cookies.get(self._cookie, ""))
        self._set_cookie(response, "", "; Max-Age=0")

    def _set_cookie(self, response: web.StreamResponse, value: str, extra: str = "") -> None:
        for name in TENANT_NAMES:
            cookie = f"{self._cookie}={value}; Path=/{name}; HttpOnly; SameSite=Lax{extra}"
            response.headers.add("Set-Cookie", cookie)
