"""Sign-ins that are under way. Each has a state and a cookie of its own, so that tabs do not disturb each
other.

The state (RFC 6749, section 10.12) alone would not do: whoever knows it could have somebody else's browser
complete the sign-in. So the flow is given back only to the browser that holds the cookie of its name.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

__all__ = ["Begun", "SignInFlows"]

_SECONDS = 10 * 60
_PER_BROWSER = 8
_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: MSAL's flow, and the path to go on to."""

    flow: dict[str, Any]
    next: str
    key: str
    at: float


class SignInFlows:
    """Keeps what was begun for ten minutes, in this process. `clock` gives seconds since 1970."""

    def __init__(self, *, secure: bool, clock: Callable[[], float] = time.time) -> None:
        self._prefix = "__Host-signin-" if secure else "signin-"
        self._secure = secure
        self._clock = clock
        self._begun: dict[str, Begun] = {}

    def begin(
        self, request: web.Request, response: web.StreamResponse, flow: dict[str, Any], target: str
    ) -> None:
        """Remember a flow, and give its cookie to the browser; its oldest ones are given up."""
        self._sweep()
        mine = [name for name in request.cookies if name.startswith(self._prefix)]
        mine.sort(key=lambda name: self._begun[name].at if name in self._begun else 0.0)
        for name in mine[: max(0, len(mine) - _PER_BROWSER + 1)]:
            self._begun.pop(name, None)
            self._take_cookie(response, name)
        name, key = self._name(flow["state"]), secrets.token_urlsafe(32)
        self._begun[name] = Begun(flow, target, key, self._clock())
        response.set_cookie(
            name, key, max_age=_SECONDS, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )

    def take(self, request: web.Request) -> Begun | None:
        """Return what the request's `state` completes, once; None if this browser did not begin it, or too
        long ago."""
        self._sweep()
        name = self._name(request.query.get("state", ""))
        begun = self._begun.get(name)
        key = request.cookies.get(name, "")
        if begun is None or not hmac.compare_digest(key.encode(errors="replace"), begun.key.encode()):
            return None
        return self._begun.pop(name)

    def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take back the cookie of the request's `state`."""
        name = self._name(request.query.get("state", ""))
        if name in request.cookies:
            self._take_cookie(response, name)

    def _name(self, state: str) -> str:
        return self._prefix + hashlib.sha256(state.encode(errors="replace")).hexdigest()[:24]

    def _take_cookie(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(name, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def _sweep(self) -> None:
        """Forget what is over; the oldest come first."""
        too_old = self._clock() - _SECONDS
        for name, begun in list(self._begun.items()):
            if begun.at >= too_old and len(self._begun) < _LIMIT:
                break
            del self._begun[name]
