"""Where sessions, sign-ins, tokens and events are: in this process, or in what several replicas share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpsecurity.scaling.keyring import KeyRing
from mcpsecurity_webclient.auth.caches import InMemoryTokenCacheStore, TokenCacheStore
from mcpsecurity_webclient.auth.flows import FlowStore, InMemoryFlowStore
from mcpsecurity_webclient.chat.asking import Asking, NothingRemembered
from mcpsecurity_webclient.chat.events import EventBus, InMemoryEventBus
from mcpsecurity_webclient.sessions import InMemorySessionStore, SessionStore
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.store import Owner

if TYPE_CHECKING:
    from mcpsecurity.scaling.shared import SharedState
    from mcpsecurity_webclient.chat.event_log import EventLogs

__all__ = ["WebState", "asking", "event_bus", "web_state"]


@dataclass(frozen=True, slots=True)
class WebState:
    """The stores; `shared` is what is behind them when there are several replicas, which log events then."""

    sessions: SessionStore
    flows: FlowStore
    caches: TokenCacheStore
    shared: "SharedState | None" = None
    logs: "EventLogs | None" = None


def event_bus(state: WebState, owner: Owner, chat_id: str, clock: Callable[[], float]) -> EventBus:
    """Return the events of a conversation of `owner`."""
    if state.logs is None:
        return InMemoryEventBus(chat_id, clock)
    from mcpsecurity_webclient.chat.event_log import EventLog  # noqa: PLC0415 - needs the extra `scale`
    from mcpsecurity_webclient.chat.shared_events import SharedEventBus  # noqa: PLC0415

    return SharedEventBus(chat_id, EventLog(state.logs, owner, chat_id), clock)


def asking(state: WebState, owner: Owner, chat_id: str, clock: Callable[[], float]) -> Asking:
    """Return what remembers the questions of a conversation of `owner`."""
    if state.shared is None:
        return NothingRemembered()
    from mcpsecurity_webclient.chat.shared_asking import SharedAsking  # noqa: PLC0415 - needs the extra `scale`

    return SharedAsking(state.shared, owner, chat_id, clock)


def web_state(settings: WebSettings, clock: Callable[[], float]) -> WebState:
    """Return the stores that `settings` ask for."""
    idle, lifetime = settings.session_idle, settings.session_lifetime
    if settings.redis_url is None or settings.keys is None:
        sessions = InMemorySessionStore(idle=idle, lifetime=lifetime, clock=clock)
        return WebState(sessions, InMemoryFlowStore(clock), InMemoryTokenCacheStore())
    # These need the extra `scale`.
    from mcpsecurity.scaling.shared import SharedState  # noqa: PLC0415
    from mcpsecurity_webclient.auth.shared_caches import RedisTokenCacheStore  # noqa: PLC0415
    from mcpsecurity_webclient.chat.event_log import EventLogs  # noqa: PLC0415
    from mcpsecurity_webclient.shared_sessions import RedisFlowStore, RedisSessionStore  # noqa: PLC0415

    shared = SharedState(settings.redis_url.get_secret_value(), KeyRing(settings.keys.get_secret_value()))
    return WebState(
        RedisSessionStore(shared, idle=idle, lifetime=lifetime, clock=clock),
        RedisFlowStore(shared),
        RedisTokenCacheStore(shared, lifetime=lifetime),
        shared,
        EventLogs(shared),
    )
