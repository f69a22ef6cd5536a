"""Where sessions, sign-ins and tokens are: in this process, or in what several replicas share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpsecurity.scaling.keyring import KeyRing
from mcpsecurity_webclient.auth.caches import InMemoryTokenCacheStore, TokenCacheStore
from mcpsecurity_webclient.auth.flows import FlowStore, InMemoryFlowStore
from mcpsecurity_webclient.sessions import InMemorySessionStore, SessionStore
from mcpsecurity_webclient.settings import WebSettings

if TYPE_CHECKING:
    from mcpsecurity.scaling.shared import SharedState

__all__ = ["WebState", "web_state"]


@dataclass(frozen=True, slots=True)
class WebState:
    """The stores; `shared` is what is behind them when there are several replicas."""

    sessions: SessionStore
    flows: FlowStore
    caches: TokenCacheStore
    shared: "SharedState | None" = None


def web_state(settings: WebSettings, clock: Callable[[], float]) -> WebState:
    """Return the stores that `settings` ask for."""
    idle, lifetime = settings.session_idle, settings.session_lifetime
    if settings.redis_url is None or settings.keys is None:
        sessions = InMemorySessionStore(idle=idle, lifetime=lifetime, clock=clock)
        return WebState(sessions, InMemoryFlowStore(clock), InMemoryTokenCacheStore())
    # These need the extra `scale`.
    from mcpsecurity.scaling.shared import SharedState  # noqa: PLC0415
    from mcpsecurity_webclient.auth.shared_caches import RedisTokenCacheStore  # noqa: PLC0415
    from mcpsecurity_webclient.shared_sessions import RedisFlowStore, RedisSessionStore  # noqa: PLC0415

    shared = SharedState(settings.redis_url.get_secret_value(), KeyRing(settings.keys.get_secret_value()))
    return WebState(
        RedisSessionStore(shared, idle=idle, lifetime=lifetime, clock=clock),
        RedisFlowStore(shared),
        RedisTokenCacheStore(shared, lifetime=lifetime),
        shared,
    )
