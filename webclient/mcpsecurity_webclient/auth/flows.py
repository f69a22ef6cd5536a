"""Sign-in flows that are under way, each with its own state and cookie, so that tabs do not mix.

The state (RFC 6749, section 10.12) alone does not suffice: an attacker who knows it could make another
person's browser complete the sign-in. So a flow is returned only to the browser that holds its cookie.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

FLOW_SECONDS = 10 * 60
_PER_BROWSER = 8
_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: MSAL's flow, and the path to go on to."""

    flow: dict[str, Any]
    next: str
    key: str
    at: float


class FlowStore(Protocol):
    """Stores each sign-in that has begun, for ten minutes and by the name of its cookie."""

    async def put(self, name: str, begun: Begun) -> None:
        """Keep one."""

    async def get(self, name: str) -> Begun | None:
        """Return one whose time is not over."""

    async def drop(self, name: str) -> bool:
        """Forget one; False when it was gone already."""


class InMemoryFlowStore:
    """A `FlowStore` in this process. `clock` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._begun: dict[str, Begun] = {}

    async def put(self, name: str, begun: Begun) -> None:
        """Keep one; with too many, the oldest gives way."""
        self._sweep()
        self._begun[name] = begun

    async def get(self, name: str) -> Begun | None:
        """Return one whose time is not over."""
        self._sweep()
        return self._begun.get(name)

    async def drop(self, name: str) -> bool:
        """Forget one; False when it was gone already."""
        return self._begun.pop(name, None) is not None

    def _sweep(self) -> None:
        """Remove expired flows; the oldest come first."""
        too_old = self._clock() - FLOW_SECONDS
        for name, begun in list(self._begun.items()):
            if begun.at >= too_old and len(self._begun) < _LIMIT:
                break
            del self._begun[name]


class SignInFlows:
    """Keeps started flows of one `kind` in `store`. `clock` gives seconds since 1970."""

    def __init__(
        self,
        store: FlowStore,
        *,
        secure: bool,
        clock: Callable[[], float] = time.time,
        kind: str = "signin",
    ) -> None:
        self._store = store
        self._prefix = f"__Host-{kind}-" if secure else f"{kind}-"
        self._secure = secure
        self._clock = clock

    async def begin(
        self, request: web.Request, response: web.StreamResponse, flow: dict[str, Any], target: str
    ) -> None:
        """Remember a flow, and give its cookie to the browser; its oldest ones are given up."""
        for name in await self._given_up(request):
            await self._store.drop(name)
            self._take_cookie(response, name)
        name, key = self._name(flow["state"]), secrets.token_urlsafe(32)
        await self._store.put(name, Begun(flow, target, key, self._clock()))
        response.set_cookie(
            name, key, max_age=FLOW_SECONDS, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )

    async def take(self, request: web.Request) -> Begun | None:
        """Return the flow that the request's `state` completes, once; None if this browser did not begin it,
        or too long ago."""
        name = self._name(request.query.get("state", ""))
        begun = await self._store.get(name)
        key = request.cookies.get(name, "")
        if begun is None or not hmac.compare_digest(key.encode(errors="replace"), begun.key.encode()):
            return None
        return begun if await self._store.drop(name) else None

    def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take back the cookie of the request's `state`."""
        name = self._name(request.query.get("state", ""))
        if name in request.cookies:
            self._take_cookie(response, name)

    async def _given_up(self, request: web.Request) -> list[str]:
        """Return the browser's oldest flows beyond its limit."""
        mine = [name for name in request.cookies if name.startswith(self._prefix)]
        if len(mine) < _PER_BROWSER:
            return []
        begun = {name: await self._store.get(name) for name in mine}
        mine.sort(key=lambda name: found.at if (found := begun[name]) is not None else 0.0)
        return mine[: len(mine) - _PER_BROWSER + 1]

    def _name(self, state: str) -> str:
        return self._prefix + hashlib.sha256(state.encode(errors="replace")).hexdigest()[:24]

    def _take_cookie(self, response: web.StreamResponse, name: str) -> None:
        response.del_cookie(name, path="/", secure=self._secure, httponly=True, samesite="Lax")
