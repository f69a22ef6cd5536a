"""Change notifications for every client: those with a session, and those with a subscription stream."""

from typing import Any, Literal

from mcpsecurity_server.transport.events.bus import STANDALONE
from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.protocol import RESOURCE_UPDATED, notification
from mcpsecurity_server.transport.sessions.registry import Sessions
from mcpsecurity_server.transport.stateless.subscriptions import ChangeNotifier

Kind = Literal["tools", "prompts", "resources"]
_KINDS: dict[str, Kind] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}


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

    async def resource_updated(self, uri: str) -> None:
        """Notify the clients that have subscribed to a resource that it has changed."""
        message = to_json(notification(RESOURCE_UPDATED, {"uri": uri}))
        async for record in self._sessions.store.records():
            if uri in record.subscriptions:
                await self._sessions.bus.publish(record.id, STANDALONE, message)
        await self._changes.announce(RESOURCE_UPDATED, uri)

    async def forward(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification from a handler that belongs to no request and no session."""
        if method == RESOURCE_UPDATED:
            await self.resource_updated(str((params or {}).get("uri", "")))
        elif method in _KINDS:
            await self.list_changed(_KINDS[method])
