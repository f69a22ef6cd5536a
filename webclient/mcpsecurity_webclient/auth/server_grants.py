"""What sign-ins for MCP servers left: tokens of other authorization servers, by session and server."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol


class ServerGrantStore(Protocol):
    """Stores grants, as text that is secret. They stay on the server; the browser never sees one."""

    async def get(self, sid: str, server: str) -> str | None:
        """Return the grant of a session for a server."""

    async def put(self, sid: str, server: str, text: str | None) -> None:
        """Keep one; None forgets it."""

    async def replace(self, sid: str, server: str, before: str, after: str | None) -> bool:
        """Keep a grant in place of the one `before`; return False if there is another by now, or none."""

    def renewing(self, sid: str, server: str) -> AbstractAsyncContextManager[None]:
        """Return what keeps other replicas from renewing a grant meanwhile. Read the grant inside."""

    async def drop(self, sid: str) -> None:
        """Forget all of a session."""


class InMemoryServerGrantStore:
    """A `ServerGrantStore` in this process: nothing is written anywhere."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[str, str]] = {}

    async def get(self, sid: str, server: str) -> str | None:
        """Return the grant of a session for a server."""
        return self._texts.get(sid, {}).get(server)

    async def put(self, sid: str, server: str, text: str | None) -> None:
        """Keep one; None forgets it."""
        if text is not None:
            self._texts.setdefault(sid, {})[server] = text
        else:
            self._texts.get(sid, {}).pop(server, None)

    async def replace(self, sid: str, server: str, before: str, after: str | None) -> bool:
        """Keep a grant in place of the one `before`; return False if there is another by now, or none."""
        if await self.get(sid, server) != before:
            return False
        await self.put(sid, server, after)
        return True

    def renewing(self, sid: str, server: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - a store's signature
        """Keep nobody: there is no other replica."""
        return nullcontext()

    async def drop(self, sid: str) -> None:
        """Forget all of a session."""
        self._texts.pop(sid, None)
