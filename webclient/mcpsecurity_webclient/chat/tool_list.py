"""The tools of a conversation as its page lists them, and which of them take part."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from mcp import types

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.mcp.server import McpServer
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import UnknownRequestError

_DESCRIPTION = 600
_PARAMETERS = 40
_OF_A_PARAMETER = 200


class ToolList:
    """Lists the tools of one conversation, and turns them on and off. `save` saves the conversation or raises
    `StoreError`."""

    def __init__(
        self,
        state: ConversationState,
        servers: McpServers,
        publish: Publish,
        *,
        save: Callable[[], Awaitable[None]],
    ) -> None:
        self._state = state
        self._servers = servers
        self._publish = publish
        self._save = save

    @property
    def titles(self) -> dict[str, str]:
        """What people call the servers, by their names."""
        return {one.settings.name: one.settings.title or one.settings.name for one in self._servers.all}

    async def read(self) -> list[dict[str, Any]]:
        """Return the servers, each with the tools that the person gets to see."""
        with suppress(SignInRequiredError):
            await self._servers.refresh()
        self._servers.plugins()  # says how many have to be looked for
        return [
            {**server.to_json(), "on": self._is_on(server, ""), "list": list(self._tools(server))}
            for server in self._servers.all
        ]

    async def turn(self, server: str, tool: str, *, on: bool) -> None:
        """Turn a tool on or off, or with "" the whole server.

        Raises:
            UnknownRequestError: there is no such server or tool.
            StoreError: that cannot be saved, and nothing has changed.
        """
        known = self._servers.named(server)
        if known is None or (tool and known.listed is not None and known.function_of(tool) is None):
            raise UnknownRequestError
        before = set(self._state.choice.off)
        self._state.choice.turn(server, tool, on=on)
        with undone_on_failure(lambda: setattr(self._state.choice, "off", before)):
            await self._save()
        self._publish("tools.changed", {"off": self._state.choice.to_json()})

    def _tools(self, server: McpServer) -> Iterator[dict[str, Any]]:
        for tool in server.listed.named.values() if server.listed is not None else ():
            if not server.sees(tool):
                continue
            described = {
                "name": tool.name,
                "title": tool.title or (tool.annotations and tool.annotations.title) or tool.name,
                "description": (tool.description or "")[:_DESCRIPTION],
                "annotations": tool.annotations.model_dump(exclude_none=True) if tool.annotations else None,
                "parameters": _parameters(tool),
                "rule": server.policy.rule(tool.name),
                "on": self._is_on(server, tool.name),
            }
            yield {name: value for name, value in described.items() if value is not None}

    def _is_on(self, server: McpServer, tool: str) -> bool:
        return self._state.choice.has(server.settings.name, tool)


def _parameters(tool: types.Tool) -> list[dict[str, Any]]:
    """Return what a tool needs: name, type and description of each argument."""
    properties, required = tool.inputSchema.get("properties"), tool.inputSchema.get("required")
    needed = required if isinstance(required, list) else []
    return [
        {
            "name": str(name),
            "type": str(schema.get("type") or "") if isinstance(schema, dict) else "",
            "description": _text(schema.get("description")) if isinstance(schema, dict) else "",
            "required": name in needed,
        }
        for name, schema in (list(properties.items())[:_PARAMETERS] if isinstance(properties, dict) else ())
    ]


def _text(value: Any) -> str:
    return value[:_OF_A_PARAMETER] if isinstance(value, str) else ""
