"""The MCP servers of one conversation: connected when needed, each with its own state and failures."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from mcp import types
from mcp.client.session import ElicitationFnT, SamplingFnT
from mcp.shared.session import ProgressFnT
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.client import (
    BridgeError,
    GetToken,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    TokenAuth,
)
from mcpsecurity_webclient.chat.event_types import ServerView
from mcpsecurity_webclient.chat.mcp.attachments import attached_text, block_text
from mcpsecurity_webclient.chat.mcp.plugins import MAX_TOOLS, Toolset, cached_toolset
from mcpsecurity_webclient.settings import McpServerSettings

__all__ = ["McpServer", "McpServers", "NoTokenError", "ServerCallbacks"]

_log = logging.getLogger(__name__)
_MAIN_PATIENCE = 10.0  # seconds for the first server: without it an answer may be of little use
_PATIENCE = 2.5
_SLOW_PATIENCE = 0.2
_CATALOG_SECONDS = 10.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_NAMED = 10

SignInUrl = Callable[[SignInRequiredError], str]


class NoTokenError(SignInRequiredError):
    """The person's session gives no token: it was not a server that said so."""


@dataclass(frozen=True, slots=True)
class ServerCallbacks:
    """What a conversation does with what its servers say; the first argument is the server's name."""

    elicitation: Callable[[str], ElicitationFnT]
    sampling: Callable[[str], SamplingFnT] | None
    changed: Callable[[], None]
    catalog_changed: Callable[[], None]


class McpServer:
    """One server. `functions` is what the kernel calls its tools, `questions` counts what it has asked the
    person, `refused` is why it wants a sign-in, `left_out` names the tools that the model does not get. It is
    `prompt` unless it was silent or failed when it was looked at last. `sign_in_url` says where what a
    refusal asks for is granted.
    """

    def __init__(
        self,
        settings: McpServerSettings,
        callbacks: ServerCallbacks,
        get_token: GetToken | None,
        tls: ssl.SSLContext,
        sign_in_url: SignInUrl | None = None,
    ) -> None:
        self.settings = settings
        self.status = "connecting"
        self.message: str | None = None
        self.refused: SignInRequiredError | None = None
        self.offered: Toolset | None = None
        self.functions: dict[str, types.Tool] = {}
        self.left_out: list[str] = []
        self.questions = 0
        self.prompt = True
        self._definitions: tuple[str, ...] = ()
        self._callbacks = callbacks
        self._sign_in_url = sign_in_url
        self._stale = True
        self._listed_from: types.InitializeResult | None = None
        self._looking: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._pause = _FIRST_PAUSE
        self.connection = McpConnection(
            settings.url,
            auth=TokenAuth(_told_apart(get_token)) if get_token is not None else None,
            elicitation=self._counted(callbacks.elicitation(settings.name)),
            sampling=callbacks.sampling(settings.name) if callbacks.sampling else None,
            on_notification=self._heard,
            tls=tls,
            timeout=settings.timeout,
        )

    @property
    def plugin_name(self) -> str:
        """The name of its plugin in the kernel."""
        return self.settings.plugin_name

    def to_json(self) -> ServerView:
        """Return the page's view."""
        body = {
            "name": self.settings.name,
            "title": self.settings.title or self.settings.name,
            "status": self.status,
            "tools": len(self._definitions) - len(self.offered.left_out if self.offered else ()),
        }
        url = self._sign_in_url(self.refused) if self._sign_in_url and self.refused else None
        optional = {"message": self.message, "left_out": self.left_out, "sign_in_url": url}
        return cast("ServerView", body | {name: value for name, value in optional.items() if value})

    def look(self) -> asyncio.Task[None] | None:
        """Begin to connect and to list the tools, if they may have changed; return the task, which never
        fails. A server that is down is looked at again by itself, at growing intervals."""
        same = self._listed_from is self.connection.server
        if same and not self._stale and self.status == "ready":
            return None
        if self._looking is None or self._looking.done():
            self._forget_timer()
            self._looking = asyncio.create_task(self._look(), name=f"look at {self.settings.name}")
        return self._looking

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        progress: ProgressFnT | None = None,
        meta: dict[str, Any] | None = None,
    ) -> types.CallToolResult:
        """Call a tool. Raises `BridgeError`; a server that does not answer is looked for anew."""
        try:
            return await self.connection.call_tool(name, arguments, progress, meta)
        except ServerUnavailableError as error:
            self._is_down(str(error))
            raise

    def needs_sign_in(self, error: SignInRequiredError) -> None:
        """Show that only a sign-in helps."""
        self._lacks_tools(error)
        self._set("sign_in", str(error))

    def offer(self, limit: int) -> KernelPlugin | None:
        """Return the plugin with at most so many tools, or None without any."""
        known = self._definitions
        self.offered = cached_toolset(self.plugin_name, known, min(limit, len(known))) if known else None
        self.functions = self.offered.functions if self.offered else {}
        left_out = [*self.connection.left_out, *(self.offered.left_out if self.offered else ())]
        if left_out != self.left_out:
            self.left_out = left_out
            if self.status == "ready":
                self._set("ready", _left_out_words(left_out))
        return self.offered.plugin if self.offered and self.functions else None

    async def aclose(self) -> None:
        """Close the connection; the next use opens it anew."""
        self._stale = True
        self._forget_timer()
        looking, self._looking = self._looking, None
        if looking is not None and not looking.done():
            looking.cancel()
            await asyncio.wait([looking])
        await self.connection.aclose()

    async def _look(self) -> None:
        try:
            listed = await self._listed()
        except SignInRequiredError as error:
            self.needs_sign_in(error)
        except BridgeError as error:
            self.prompt = False
            self._is_down(str(error))
        except Exception:  # noqa: BLE001 - whatever one server does, the others go on
            _log.exception("the MCP server %s cannot be used", self.settings.name)
            self.prompt = False
            self._is_down("The MCP server answers with something that cannot be read.")
        else:
            self._definitions = tuple(tool.model_dump_json(by_alias=True) for tool in listed)
            self._stale, self._listed_from = False, self.connection.server
            self.offered, self.refused, self.prompt, self._pause = None, None, True, _FIRST_PAUSE
            self.left_out = list(self.connection.left_out)
            self._set("ready", _left_out_words(self.left_out))

    async def _listed(self) -> list[types.Tool]:
        """Return the tools; a server that has prompts or resources only has none."""
        await self.connection.open()
        said = self.connection.server.capabilities if self.connection.server else types.ServerCapabilities()
        if said.tools is None and (said.prompts is not None or said.resources is not None):
            return []
        try:
            return await self.connection.list_tools()
        except ProtocolError as error:
            if error.code == types.METHOD_NOT_FOUND:
                return []
            raise

    def _is_down(self, message: str) -> None:
        self._lacks_tools(None)
        self._forget_timer()
        self._again = asyncio.get_running_loop().call_later(self._pause, self.look)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._set("down", message)

    def _lacks_tools(self, refused: SignInRequiredError | None) -> None:
        self._stale, self.refused = True, refused
        self._definitions, self.offered, self.left_out = (), None, []

    def _forget_timer(self) -> None:
        if self._again is not None:
            self._again.cancel()
        self._again = None

    def _counted(self, ask: ElicitationFnT) -> ElicitationFnT:
        """Return a callback that counts the questions that could be asked."""

        async def counted(context: Any, params: types.ElicitRequestParams) -> Any:
            outcome = await ask(context, params)
            self.questions += isinstance(outcome, types.ElicitResult)
            return outcome

        return counted

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
        """Bring all up to date side by side, and go on without those that take long or are known to be down.
        The first server, the one that the chat is set up for, may take longer than the others.

        Raises:
            SignInRequiredError: the person's session gives no token any more. No server can cause that.
        """
        looks = [
            _wait(server, task, self._patience(server))
            for server in self.all
            if (task := server.look()) is not None
        ]
        await asyncio.gather(*looks)
        if (error := next((s.refused for s in self.all if self.ends_session(s)), None)) is not None:
            raise error

    def _patience(self, server: McpServer) -> float:
        """Return how many seconds an answer waits for a server."""
        if not server.prompt:
            return _SLOW_PATIENCE
        return _MAIN_PATIENCE if server is self.all[0] else _PATIENCE

    def ends_session(self, server: McpServer) -> bool:
        """Tell whether the session gives no token for a server, and this is the one the session is for: the
        first that wants tokens. What another one's scope needs is its own matter."""
        first = next((s for s in self.all if s.settings.scope), None)
        return server is first and isinstance(server.refused, NoTokenError)

    def instructions(self) -> Iterator[tuple[str, str | None]]:
        """Yield the names of the servers that are known, and what they say about the use of their tools."""
        for server in self.all:
            if (known := server.connection.server) is not None:
                yield server.settings.name, known.instructions

    def plugins(self) -> dict[str, KernelPlugin]:
        """Return the plugins of all servers by name, with no more tools than a model takes."""
        plugins: dict[str, KernelPlugin] = {}
        left = MAX_TOOLS
        for server in self.all:
            if (plugin := server.offer(left)) is not None:
                plugins[server.plugin_name] = plugin
                left -= len(plugin.functions)
        return plugins

    async def catalog(self) -> dict[str, Any]:
        """Return prompts and resources of all servers that answer, as the page wants them."""
        with suppress(SignInRequiredError):
            await self.refresh()
        prompts, resources = await asyncio.gather(
            self._listed(lambda s: s.connection.list_prompts(), _prompt_json),
            self._listed(lambda s: s.connection.list_resources(), _resource_json),
        )
        return {"prompts": prompts, "resources": resources, "servers": [s.to_json() for s in self.all]}

    async def prompt_messages(self, prompt: dict[str, Any]) -> list[tuple[str, str]]:
        """Return role and text of a prompt's messages; `prompt` has `server`, `name` and `arguments`.

        Raises:
            BridgeError: there is no such server, or it does not give the prompt.
        """
        connection = self._connection(prompt["server"])
        result = await connection.get_prompt(prompt["name"], prompt.get("arguments") or {})
        return [(message.role, block_text(message.content)) for message in result.messages]

    async def resource_text(self, server: str, uri: str) -> str:
        """Return a resource's text for the model, bounded in size. Raises `BridgeError` as above."""
        return attached_text(uri, (await self._connection(server).read_resource(uri)).contents)

    async def aclose(self) -> None:
        """Close every connection, and look at no server any more."""
        await asyncio.gather(*(server.aclose() for server in self.all))

    def _connection(self, name: str) -> McpConnection:
        server = self.named(name)
        if server is None:
            raise BridgeError("There is no such MCP server.")
        return server.connection

    async def _listed(
        self, fetch: Callable[[McpServer], Awaitable[list[Any]]], view: Callable[[str, Any], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return what the servers list, side by side; one that fails lists nothing."""

        async def of(server: McpServer) -> list[dict[str, Any]]:
            try:
                async with asyncio.timeout(_CATALOG_SECONDS):
                    return [view(server.settings.name, item) for item in await fetch(server)]
            except SignInRequiredError as error:
                server.needs_sign_in(error)
            except (BridgeError, TimeoutError) as error:  # without prompts it answers "method not found"
                _log.info("%s lists nothing: %s", server.settings.name, error)
            except Exception:  # noqa: BLE001 - whatever one server does, the others go on
                _log.exception("what %s lists cannot be read", server.settings.name)
            return []

        lists = await asyncio.gather(*(of(server) for server in self.all if server.status == "ready"))
        return [item for listed in lists for item in listed]


async def _wait(server: McpServer, look: asyncio.Task[None], seconds: float) -> None:
    """Wait for a look at a server, but not longer than so many seconds."""
    await asyncio.wait([look], timeout=seconds)
    server.prompt = server.prompt and look.done()


def _told_apart(get_token: GetToken) -> GetToken:
    """Return a source of tokens whose refusals are told from those of a server."""

    async def token(force: bool) -> str:
        try:
            return await get_token(force)
        except SignInRequiredError as error:
            raise NoTokenError(str(error), scope=error.scope, claims=error.claims) from error

    return token


def _left_out_words(names: list[str]) -> str | None:
    if not names:
        return None
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    shown = ", ".join(name[:64] for name in names[:_NAMED])
    return f"The model does not get these tools: {shown}{more}."


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
