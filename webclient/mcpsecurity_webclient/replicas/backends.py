"""Chooses where sessions, sign-ins, tokens and events are kept: in this process, or in Redis for replicas."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpsecurity.oidc.azure_identity import azure_identity
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.auth.flows import FlowStore, InMemoryFlowStore
from mcpsecurity_webclient.auth.server_grants import InMemoryServerGrantStore, ServerGrantStore
from mcpsecurity_webclient.auth.sessions import InMemorySessionStore, SessionStore
from mcpsecurity_webclient.auth.token_cache import InMemoryTokenCacheStore, TokenCacheStore
from mcpsecurity_webclient.chat.events import EventBus
from mcpsecurity_webclient.chat.requests.pending_requests import RequestLog
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.store import Owner

if TYPE_CHECKING:
    from mcpsecurity.redis.connection import RedisConnection
    from mcpsecurity_webclient.replicas.redis_event_log import EventLogs


@dataclass(frozen=True, slots=True)
class WebState:
    """The stores of sessions, sign-ins, tokens and events: in memory, or in Redis for several replicas."""

    sessions: SessionStore
    flows: FlowStore
    caches: TokenCacheStore
    grants: ServerGrantStore
    redis: "RedisConnection | None" = None
    logs: "EventLogs | None" = None


def event_bus(state: WebState, owner: Owner, chat_id: str, clock: Callable[[], float]) -> EventBus:
    """Return the event bus of a conversation of `owner`."""
    if state.logs is None:
        return EventBus(chat_id, clock)
    from mcpsecurity_webclient.replicas.redis_event_bus import RedisEventBus  # noqa: PLC0415
    from mcpsecurity_webclient.replicas.redis_event_log import EventLog  # noqa: PLC0415 - needs the extra `scale`

    return RedisEventBus(chat_id, EventLog(state.logs, owner, chat_id), clock)


def request_log(state: WebState, owner: Owner, chat_id: str, clock: Callable[[], float]) -> RequestLog:
    """Return the log of the pending requests of a conversation of `owner`."""
    if state.redis is None:
        return RequestLog()
    from mcpsecurity_webclient.replicas.redis_requests import RedisRequestLog  # noqa: PLC0415 - needs the extra `scale`

    return RedisRequestLog(state.redis, owner, chat_id, clock)


def web_state(settings: WebSettings, clock: Callable[[], float]) -> WebState:
    """Return the stores that `settings` ask for."""
    idle, lifetime = settings.session_idle, settings.session_lifetime
    if settings.redis_url is None or settings.keys is None:
        sessions = InMemorySessionStore(idle=idle, lifetime=lifetime, clock=clock)
        return WebState(
            sessions, InMemoryFlowStore(clock), InMemoryTokenCacheStore(), InMemoryServerGrantStore()
        )
    # These need the extra `scale`.
    from mcpsecurity.redis.connection import RedisConnection  # noqa: PLC0415
    from mcpsecurity_webclient.replicas.redis_event_log import EventLogs  # noqa: PLC0415
    from mcpsecurity_webclient.replicas.redis_server_grants import RedisServerGrantStore  # noqa: PLC0415
    from mcpsecurity_webclient.replicas.redis_sessions import RedisFlowStore, RedisSessionStore  # noqa: PLC0415
    from mcpsecurity_webclient.replicas.redis_token_cache import RedisTokenCacheStore  # noqa: PLC0415

    identity = azure_identity(settings)
    redis = RedisConnection(
        settings.redis_url.get_secret_value(),
        EncryptionKeys(settings.keys.get_secret_value()),
        password=identity.redis_password if identity is not None else None,
    )
    return WebState(
        RedisSessionStore(redis, idle=idle, lifetime=lifetime, clock=clock),
        RedisFlowStore(redis),
        RedisTokenCacheStore(redis, lifetime=lifetime),
        RedisServerGrantStore(redis, lifetime=lifetime),
        redis,
        EventLogs(redis),
    )
