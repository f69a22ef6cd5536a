"""The MCP servers of one conversation: connected when needed, each with its own state."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mcp import types
from mcp.client.session import ElicitationFnT, SamplingFnT
from mcp.shared.session import ProgressFnT

from mcpsecurity.bridge import (
    BridgeError,
    GetToken,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    TokenAuth,
    function_name,
    result_text,
)
from mcpsecurity_webclient.chat.toolsets import Toolset, toolset
from mcpsecurity_webclient.settings import McpServerSettings

__all__ = ["McpServer", "McpServers", "ServerCallbacks"]

_log = logging.getLogger(__name__)
_MAX_RESOURCE = 50_000
"""Most characters of an attached resource that the model gets to read."""


@dataclass(frozen=True, slots=True)
class ServerCallbacks:
    """What a conversation does with what its servers say; the first argument is the server's name."""

    elicitation: Callable[[str], ElicitationFnT]
    sampling: Callable[[str], SamplingFnT] | None
    changed: Callable[[], None]
    catalog_changed: Callable[[], None]


class McpServer:
    """One server. `offered` is as of the last listing, `functions` what the kernel calls these tools."""

    def __init__(
        self,
        settings: McpServerSettings,
        callbacks: ServerCallbacks,
        get_token: GetToken | None,
        tls: ssl.SSLContext,
    ) -> None:
        self.settings = settings
        self.status = "connecting"
        self.message: str | None = None
        self.offered: Toolset | None = None
        self.functions: dict[str, types.Tool] = {}
        self._callbacks = callbacks
        self._stale = True
        self._listed_from: types.InitializeResult | None = None
        self._listing = asyncio.Lock()
        self.connection = McpConnection(
            settings.url,
            auth=TokenAuth(get_token) if get_token is not None else None,
            elicitation=callbacks.elicitation(settings.name),
            sampling=callbacks.sampling(settings.name) if callbacks.sampling else None,
            on_notification=self._heard,
            tls=tls,
            timeout=settings.timeout,
        )

    @property
    def plugin_name(self) -> str:
        """The name of its plugin in the kernel."""
        return function_name(self.settings.name)[:32]

    def to_json(self) -> dict[str, Any]:
        """Return the page's view."""
        body: dict[str, Any] = {
            "name": self.settings.name,
            "title": self.settings.title or self.settings.name,
            "status": self.status,
            "tools": len(self.offered.tools) if self.offered else 0,
        }
        return body | ({"message": self.message} if self.message else {})

    async def refresh(self) -> None:
        """Connect if need be and list the tools if they may have changed.

        Raises:
            SignInRequiredError: only a new sign-in helps. Any other failure is in `status` and `message`.
        """
        async with self._listing:
            same = self._listed_from is self.connection.server
            if same and not self._stale and self.status == "ready":
                return
            try:
                listed = await self.connection.list_tools()
            except SignInRequiredError as error:
                self.needs_sign_in(error)
                raise
            except BridgeError as error:
                if not self._lists_no_tools(error):
                    self.offered = None
                    self._set("down", str(error))
                    return
                listed = []
            definitions = tuple(tool.model_dump_json(by_alias=True) for tool in listed)
            self.offered = toolset(self.plugin_name, definitions)
            self._stale, self._listed_from = False, self.connection.server
            self._set("ready", None)

    def _lists_no_tools(self, error: BridgeError) -> bool:
        """Tell whether the server has prompts or resources only, and so does not know `tools/list`."""
        return isinstance(error, ProtocolError) and error.code == types.METHOD_NOT_FOUND

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        progress: ProgressFnT | None = None,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult:
        """Call a tool. Raises `BridgeError`; a server that does not answer is looked for anew next time."""
        try:
            return await self.connection.call_tool(name, arguments, progress, meta)
        except ServerUnavailableError as error:
            self._stale = True
            self._set("down", str(error))
            raise

    def needs_sign_in(self, error: SignInRequiredError) -> None:
        """Show that only a sign-in helps."""
        self._stale = True
        self._set("sign_in", str(error))

    def is_odd(self, error: BaseException) -> None:
        """Show that the server's tools cannot be used, for a reason that is in the log."""
        _log.error("the tools of %s cannot be used", self.settings.name, exc_info=error)
        self._stale, self.offered = True, None
        self._set("down", "This server's tools cannot be read.")

    async def aclose(self) -> None:
        """Close the connection; the next use opens it anew."""
        self._stale = True
        await self.connection.aclose()

    async def _heard(self, notification: types.ServerNotification) -> None:
        match notification.root:
            case types.ToolListChangedNotification():
                self._stale = True
                self._callbacks.catalog_changed()
            case types.PromptListChangedNotification() | types.ResourceListChangedNotification():
                self._callbacks.catalog_changed()

    def _set(self, status: str, message: str | None) -> None:
        changed = (status, message) != (self.status, self.message) or status == "ready"
        self.status, self.message = status, message
        if changed:
            self._callbacks.changed()


class McpServers:
    """All servers of a conversation."""

    def __init__(self, servers: Sequence[McpServer]) -> None:
        self.all = list(servers)

    def named(self, name: str) -> McpServer | None:
        """Return the server of a name."""
        return next((server for server in self.all if server.settings.name == name), None)

    async def refresh(self) -> None:
        """Bring all up to date side by side. A failure stays with the server that has it.

        Raises:
            SignInRequiredError: the first server wants a sign-in, the one that the person's session is for.
        """
        results = await asyncio.gather(*(s.refresh() for s in self.all), return_exceptions=True)
        for server, result in zip(self.all, results, strict=True):
            if isinstance(result, asyncio.CancelledError):
                raise result
            if isinstance(result, SignInRequiredError):
                if server is self.all[0]:
                    raise result
            elif isinstance(result, BaseException):
                server.is_odd(result)

    async def catalog(self) -> dict[str, Any]:
        """Return prompts and resources of all servers that answer, as the page wants them."""
        with contextlib.suppress(SignInRequiredError):
            await self.refresh()
        prompts = await self._listed(lambda s: s.connection.list_prompts(), _prompt_json)
        resources = await self._listed(lambda s: s.connection.list_resources(), _resource_json)
        return {"prompts": prompts, "resources": resources, "servers": [s.to_json() for s in self.all]}

    async def prompt_messages(self, prompt: dict[str, Any]) -> list[tuple[str, str]]:
        """Return role and text of a prompt's messages; `prompt` has `server`, `name` and `arguments`.

        Raises:
            BridgeError: there is no such server, or it does not give the prompt.
        """
        connection = self._connection(prompt["server"])
        result = await connection.get_prompt(prompt["name"], prompt.get("arguments") or {})
        return [(m.role, result_text(_holding(m.content))) for m in result.messages]

    async def resource_text(self, server: str, uri: str) -> str:
        """Return a resource's text for the model, bounded in size. Raises `BridgeError` as above."""
        result = await self._connection(server).read_resource(uri)
        texts = [
            c.text
            if isinstance(c, types.TextResourceContents)
            else f"[content of type {c.mimeType or 'unknown'}, which you cannot read]"
            for c in result.contents
        ]
        return f"The person attached the resource {uri}:\n\n" + "\n\n".join(texts)[:_MAX_RESOURCE]

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(server.aclose() for server in self.all))

    def _connection(self, name: str) -> McpConnection:
        server = self.named(name)
        if server is None:
            raise BridgeError("There is no such MCP server.")
        return server.connection

    async def _listed(
        self, fetch: Callable[[McpServer], Awaitable[list[Any]]], view: Callable[[str, Any], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for server in self.all:
            if server.status != "ready":
                continue
            try:
                found += [view(server.settings.name, item) for item in await fetch(server)]
            except SignInRequiredError as error:
                server.needs_sign_in(error)
            except BridgeError as error:  # a server without prompts or resources answers "method not found"
                _log.info("%s lists nothing: %s", server.settings.name, error)
        return found


def _holding(part: types.ContentBlock) -> types.CallToolResult:
    return types.CallToolResult(content=[part])


def _prompt_json(server: str, prompt: types.Prompt) -> dict[str, Any]:
    arguments = [
        {"name": a.name, "description": a.description or "", "required": bool(a.required)}
        for a in prompt.arguments or ()
    ]
    return {
        "server": server,
        "name": prompt.name,
        "title": prompt.title or prompt.name,
        "description": prompt.description or "",
        "arguments": arguments,
    }


def _resource_json(server: str, resource: types.Resource) -> dict[str, Any]:
    return {
        "server": server,
        "uri": str(resource.uri),
        "name": resource.name,
        "title": resource.title or resource.name,
        "description": resource.description or "",
        "mime_type": resource.mimeType,
    }
