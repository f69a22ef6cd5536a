"""The provider's signing keys, kept at hand.

A key that is held is returned without waiting. Keys are refreshed in the background before they get old. An
unknown key id causes a refresh, at most one in a cool-down, and all who wait share it. While the provider is
down the held keys serve on, up to a limit; with nothing to serve, `ProviderError` says so.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from mcpsecurity.oidc.errors import ProviderError, ProviderUnavailableError, Reason, TokenError
from mcpsecurity.oidc.keys import SigningKey

_log = logging.getLogger(__name__)

Timer = Callable[[], float]
LoadKeys = Callable[[Mapping[str, SigningKey]], Awaitable[dict[str, SigningKey]]]


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """Durations, in seconds."""

    refresh_after: float = 3600.0
    """Age at which held keys are refreshed in the background."""
    stale_after: float = 24 * 3600.0
    """Age beyond which held keys are not believed any more, the provider being down for so long."""
    cool_down: float = 30.0
    """Least time between two refreshes that unknown key ids cause."""
    retry_after: float = 5.0
    """Least time between a failed refresh and the next."""


class JwksCache:
    """Keys by kid. `load` fetches them, given those held; it raises `ProviderError` when it cannot.

    `timer` is a monotonic clock in seconds. The cache owns its refresh task; `aclose` ends it.
    """

    def __init__(self, load: LoadKeys, *, timer: Timer, policy: CachePolicy | None = None) -> None:
        self._load = load
        self._timer = timer
        self._policy = policy or CachePolicy()
        self._keys: dict[str, SigningKey] = {}
        self._refresh_at = self._expire_at = self._retry_at = self._cool_until = float("-inf")
        self._failure: ProviderError | None = None
        self._flight: asyncio.Task[None] | None = None

    def held(self, kid: str) -> SigningKey | None:
        """Return the key if it is held and believed now. Never waits; may start a background refresh."""
        now = self._timer()
        if now >= self._refresh_at and now >= self._retry_at and self._keys:
            self._start_refresh()
        return self._keys.get(kid) if now < self._expire_at else None

    async def get(self, kid: str) -> SigningKey:
        """Return the key named `kid`.

        Raises:
            TokenError: the provider publishes no such key (`Reason.UNKNOWN_KEY`).
            ProviderError: the provider cannot be asked, and no held key answers.
        """
        key = self.held(kid)
        if key is None:
            joined = self._flight is not None
            await self._ask_provider()
            key = self._keys.get(kid)
            if key is None and joined:  # that refresh may have been answered before the key was published
                await self._ask_provider()
                key = self._keys.get(kid)
        if key is None:
            raise TokenError(Reason.UNKNOWN_KEY, "the provider publishes no such key")
        return key

    async def warm(self) -> None:
        """Load the keys if none are held. Raises `ProviderError` when that fails."""
        if self._timer() >= self._expire_at:
            await self._ask_provider()

    async def aclose(self) -> None:
        """End a running refresh. Closing twice is safe."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.cancel()
            await asyncio.wait([flight])

    async def _ask_provider(self) -> None:
        """Refresh unless one ran just now; raise if the keys held afterwards are not worth an answer."""
        now = self._timer()
        if now < self._expire_at:
            if self._flight is None and now >= self._cool_until:
                self._cool_until = now + self._policy.cool_down
                self._start_refresh()
        elif self._flight is None and now >= self._retry_at:
            self._start_refresh()
        if self._flight is not None:
            await asyncio.shield(self._flight)
        if self._failure is not None:
            wait = max(1.0, self._retry_at - self._timer())
            raise ProviderUnavailableError(str(self._failure), retry_after=wait) from self._failure

    def _start_refresh(self) -> None:
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._refresh(), name="jwks-refresh")
            self._flight.add_done_callback(self._landed)

    async def _refresh(self) -> None:
        try:
            keys = await self._load(self._keys)
        except ProviderError as error:
            self._failure = error
            self._retry_at = self._timer() + max(self._policy.retry_after, 0.0)
            _log.warning("signing keys not refreshed, %d held: %s", len(self._keys), error)
            return
        now = self._timer()
        self._keys, self._failure = keys, None
        self._refresh_at, self._expire_at = now + self._policy.refresh_after, now + self._policy.stale_after

    def _landed(self, flight: asyncio.Task[None]) -> None:
        if self._flight is flight:
            self._flight = None
        if not flight.cancelled() and (error := flight.exception()) is not None:
            _log.error("refresh of signing keys broke", exc_info=error)
