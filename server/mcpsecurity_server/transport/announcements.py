"""Change notifications for every client: those with a session, and those with a subscription stream."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcpsecurity_server.transport.events.bus import STANDALONE
from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.protocol import (
    LOG_LEVELS,
    LOG_MESSAGE,
    RESOURCE_UPDATED,
    log_passes,
    notification,
)
from mcpsecurity_server.transport.sessions.registry import Sessions
from mcpsecurity_server.transport.stateless.subscriptions import ChangeNotifier

Kind = Literal["tools", "prompts", "resources"]
_KINDS: dict[str, Kind] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the clients of one owner want to be told.

    Attributes:
        log_level: the lowest level that one of them has set.
        subscriptions: how many of them have subscribed to a resource, by its URI.
    """

    log_level: str | None
    subscriptions: Mapping[str, int]


class Announcements:
    """Notifies the clients of all revisions of changes."""

    def __init__(self, sessions: Sessions, changes: ChangeNotifier) -> None:
        self._sessions = sessions
        self._changes = changes

    async def list_changed(self, what: Kind, owner: Owner | None = None) -> None:
        """Notify all clients that a list has changed, or those of one owner."""
        method = f"notifications/{what}/list_changed"
        message = to_json(notification(method))
        async for record in self._sessions.store.records():
            if owner is None or record.owner == owner:
                await self._sessions.bus.publish(record.id, STANDALONE, message)
        await self._changes.announce(method, owner=owner)

    async def resource_updated(self, uri: str, owner: Owner | None = None) -> None:
        """Notify the clients of all, or of one owner, that have subscribed to a resource."""
        message = to_json(notification(RESOURCE_UPDATED, {"uri": uri}))
        async for record in self._sessions.store.records():
            if uri in record.subscriptions and owner in (None, record.owner):
                await self._sessions.bus.publish(record.id, STANDALONE, message)
        await self._changes.announce(RESOURCE_UPDATED, uri, owner=owner)

    async def log_message(self, params: dict[str, Any], owner: Owner) -> None:
        """Send a log message that belongs to no request to the sessions of one owner that want its level."""
        message = to_json(notification(LOG_MESSAGE, params))
        async for record in self._sessions.store.records():
            if record.owner == owner and log_passes(record.log_level, LOG_MESSAGE, params):
                await self._sessions.bus.publish(record.id, STANDALONE, message)

    async def wishes(self, owner: Owner) -> Wishes:
        """Return what the clients of an owner want to be told."""
        levels, uris = set[str](), Counter(self._changes.subscriptions(owner))
        async for record in self._sessions.store.records():
            if record.owner == owner:
                uris.update(record.subscriptions)
                levels.update([record.log_level] if record.log_level is not None else [])
        return Wishes(min(levels, key=LOG_LEVELS.index, default=None), uris)

    async def forward(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification from a handler that belongs to no request and no session."""
        if method == RESOURCE_UPDATED:
            await self.resource_updated(str((params or {}).get("uri", "")))
        elif method in _KINDS:
            await self.list_changed(_KINDS[method])
