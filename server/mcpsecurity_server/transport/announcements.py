"""Changes that concern every client: told to sessions, and to whoever listens without one."""

from typing import Any, Literal

from mcpsecurity_server.transport.events.bus import STANDALONE
from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.sessions.registry import Sessions
from mcpsecurity_server.transport.sessions.session import message
from mcpsecurity_server.transport.stateless.subscriptions import Changes

__all__ = ["Announcements", "Kind"]

Kind = Literal["tools", "prompts", "resources"]
_UPDATED = "notifications/resources/updated"
_KINDS: dict[str, Kind] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}


class Announcements:
    """Tells clients of both eras."""

    def __init__(self, sessions: Sessions, changes: Changes) -> None:
        self._sessions = sessions
        self._changes = changes

    async def list_changed(self, what: Kind) -> None:
        """Tell everybody that a list has changed."""
        method = f"notifications/{what}/list_changed"
        told = to_json(message(method, None))
        async for record in self._sessions.store.records():
            await self._sessions.bus.publish(record.id, STANDALONE, told)
        await self._changes.announce(method)

    async def resource_updated(self, uri: str) -> None:
        """Tell whoever has subscribed to a resource that it has changed."""
        told = to_json(message(_UPDATED, {"uri": uri}))
        async for record in self._sessions.store.records():
            if uri in record.subscriptions:
                await self._sessions.bus.publish(record.id, STANDALONE, told)
        await self._changes.announce(_UPDATED, uri)

    async def pass_on(self, method: str, params: dict[str, Any] | None) -> None:
        """Tell what a handler without a session has to say outside of its request."""
        if method == _UPDATED:
            await self.resource_updated(str((params or {}).get("uri", "")))
        elif method in _KINDS:
            await self.list_changed(_KINDS[method])
