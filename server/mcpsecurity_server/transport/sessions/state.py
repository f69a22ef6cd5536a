"""Requests that change a session's record: its log level and its subscriptions."""

from dataclasses import replace

from mcpsecurity_server.transport.jsonrpc import INVALID_PARAMS, MessageError, Request
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.sessions.store import SessionRecord, SessionStore

_LONGEST_URI = 2000


class SessionState:
    """Stores the changes of a request, once the dispatcher has accepted it."""

    def __init__(self, store: SessionStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    @staticmethod
    def concerns(request: Request) -> bool:
        """Tell whether a request changes the session."""
        return request.method in _CHANGES

    async def change(self, record: SessionRecord, request: Request) -> SessionRecord:
        """Return the record after the request, whose params are valid.

        Raises:
            MessageError: the session has too many subscriptions, or the address is too long to be kept.
        """
        if len(str(request.params.get("uri", ""))) > _LONGEST_URI:
            raise MessageError(INVALID_PARAMS, "Invalid params: uri: too long", request.id)
        changed = _CHANGES[request.method](record, request)
        if len(changed.subscriptions) > self._limits.subscriptions:
            text = f"A session may be subscribed to {self._limits.subscriptions} resources"
            raise MessageError(INVALID_PARAMS, text, request.id)
        await self._store.save(changed)
        return changed


def _set_level(record: SessionRecord, request: Request) -> SessionRecord:
    return replace(record, log_level=request.params["level"])


def _subscribe(record: SessionRecord, request: Request) -> SessionRecord:
    return replace(record, subscriptions=record.subscriptions | {request.params["uri"]})


def _unsubscribe(record: SessionRecord, request: Request) -> SessionRecord:
    return replace(record, subscriptions=record.subscriptions - {request.params["uri"]})


_CHANGES = {
    "logging/setLevel": _set_level,
    "resources/subscribe": _subscribe,
    "resources/unsubscribe": _unsubscribe,
}
