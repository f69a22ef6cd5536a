"""A client that sends the same requests in either kind of revision: with a session, or without one."""

import json
from typing import Any

from tests.server.transport.conftest import Served

__all__ = ["REVISIONS", "EitherClient"]

REVISIONS = ["2025-11-25", "2026-07-28"]
_PREFIX = "io.modelcontextprotocol/"
_NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class EitherClient:
    """Speaks `revision` with `served`."""

    def __init__(self, served: Served, revision: str) -> None:
        self._served = served
        self._revision = revision
        self._session: dict[str, str] = {}

    async def call(self, name: str, arguments: dict[str, Any], **more: Any) -> Any:
        """Call a tool and return the whole answer; `params` are further ones, the rest as for `request`."""
        params = {"name": name, "arguments": arguments} | more.pop("params", {})
        return await self.request("tools/call", params, **more)

    async def request(
        self,
        method: str,
        params: dict[str, Any],
        id: Any = 1,  # noqa: A002 - the protocol's word
        meta: dict[str, Any] | None = None,
    ) -> Any:
        """Send a request and return the whole answer."""
        meta, headers = meta or {}, await self._headers()
        if not self._session:
            meta |= {
                f"{_PREFIX}protocolVersion": self._revision,
                f"{_PREFIX}clientCapabilities": {"elicitation": {}},
            }
            headers |= {"MCP-Protocol-Version": self._revision, "Mcp-Method": method}
            if method in _NAMES:
                headers["Mcp-Name"] = params[_NAMES[method]]
        message = {"id": id, "method": method, "params": params | ({"_meta": meta} if meta else {})}
        async with self._served.post(message, headers) as response:
            return json.loads(await response.read())

    async def _headers(self) -> dict[str, str]:
        if self._revision == REVISIONS[-1]:
            return {}
        self._session = self._session or await self._served.initialize()
        return self._session
