"""The MCP servers of one conversation, side by side."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from mcp import types
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.client import BridgeError, McpConnection, SignInRequiredError
from mcpsecurity.client.parts import LONGEST_ATTACHMENT, contents_text, decoded, part_text, shortened
from mcpsecurity.client.uri_templates import variables
from mcpsecurity_webclient.chat.mcp.offer import Found, find_tools, offer
from mcpsecurity_webclient.chat.mcp.plugins import MAX_TOOLS
from mcpsecurity_webclient.chat.mcp.server import McpServer, NoTokenError
from mcpsecurity_webclient.chat.models import ToolChoice
from mcpsecurity_webclient.languages import gettext as _

_log = logging.getLogger(__name__)
_MAIN_PATIENCE = 10.0  # seconds for the first server: without it an answer may be of little use
_PATIENCE = 2.5
_SLOW_PATIENCE = 0.2
_CATALOG_SECONDS = 10.0
_MOST_VALUES = 50
_LONGEST_VALUE = 500


class McpServers:
    """All servers of a conversation. `choice` says which of their tools take part, and `max_tools` how many
    the model is given; `searched` counts those that it has to look for."""

    def __init__(
        self, servers: Sequence[McpServer], choice: ToolChoice | None = None, *, max_tools: int = MAX_TOOLS
    ) -> None:
        self.all = list(servers)
        self.choice = choice or ToolChoice()
        self._max_tools = max_tools
        self.searched = 0

    def named(self, name: str) -> McpServer | None:
        """Return the server of a name."""
        return next((server for server in self.all if server.settings.name == name), None)

    def connect(self) -> None:
        """Begin to connect to those that are not connected, and to list their tools."""
        for server in self.all:
            server.connect()

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
        """Return the plugins of the servers by name, with those of their tools that the model is given."""
        offered = offer(self.all, self.choice, self._max_tools)
        self.searched = sum(offered.searched.values())
        plugins: dict[str, KernelPlugin] = {}
        for server in self.all:
            names = offered.functions.get(server.settings.name, [])
            plugin = server.offer(names, offered.searched.get(server.settings.name, 0))
            if plugin is not None:
                plugins[server.plugin_name] = plugin
        return plugins

    def find_tools(self, words: str) -> list[Found]:
        """Return the tools that fit the words best; the model is given them from now on."""
        found = find_tools(self.all, self.choice, words)
        self.choice.remember((tool.server, tool.tool) for tool in found)
        return found

    def takes_part(self, server: McpServer, tool: str) -> bool:
        """Tell whether a tool may run: the operator allows it, and the person has not turned it off."""
        return server.policy.allows(tool) and self.choice.has(server.settings.name, tool)

    async def catalog(self) -> dict[str, Any]:
        """Return prompts and resources of all servers that answer, as the page wants them."""
        with suppress(SignInRequiredError):
            await self.refresh()
        prompts, resources, templates = await asyncio.gather(
            self._listed(lambda s: s.connection.list_prompts(), prompt_json),
            self._listed(lambda s: s.connection.list_resources(), resource_json),
            self._listed(lambda s: s.connection.list_resource_templates(), template_json),
        )
        servers = [server.to_json() for server in self.all]
        return {"prompts": prompts, "resources": resources, "templates": templates, "servers": servers}

    async def completions(
        self, server: str, kind: str, of: str, name: str, known: dict[str, str]
    ) -> list[str]:
        """Return values for an argument of the prompt or the resource template `of`; none from a server
        that completes nothing. `known` are the values so far, this one's included. Raises `BridgeError` as
        above."""
        reference: types.PromptReference | types.ResourceTemplateReference
        if kind == "prompt":
            reference = types.PromptReference(type="ref/prompt", name=of)
        else:
            reference = types.ResourceTemplateReference(type="ref/resource", uri=of)
        connection = self._connection(server)
        if connection.server is not None and connection.server.capabilities.completions is None:
            return []
        others = {key: value for key, value in known.items() if key != name}
        values = await connection.complete(reference, name, known.get(name, ""), others)
        return [value[:_LONGEST_VALUE] for value in values[:_MOST_VALUES]]

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

    async def resource_bytes(self, server: str, uri: str) -> bytes:
        """Return a resource's content, to be downloaded. Raises `BridgeError` as above."""
        contents = (await self._connection(server).read_resource(uri)).contents
        return b"".join(
            part.text.encode("utf-8", "replace")
            if isinstance(part, types.TextResourceContents)
            else decoded(part.blob) or b""
            for part in contents
        )

    async def aclose(self) -> None:
        """Close every connection, and look at no server any more."""
        await asyncio.gather(*(server.aclose() for server in self.all))

    def _connection(self, name: str) -> McpConnection:
        server = self.named(name)
        if server is None:
            raise BridgeError(_("There is no such MCP server."))
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
            except Exception:  # noqa: BLE001 - an error of one server must not stop the others
                _log.exception("what %s lists cannot be read", server.settings.name)
            return []

        lists = await asyncio.gather(*(of(server) for server in self.all if server.status == "ready"))
        return [item for listed in lists for item in listed]


async def _wait(server: McpServer, look: asyncio.Task[None], seconds: float) -> None:
    """Wait for a look at a server, but not longer than so many seconds."""
    await asyncio.wait([look], timeout=seconds)
    server.prompt = server.prompt and look.done()


_IN_A_PROMPT = 50_000
"""Most characters of a resource in a prompt, which is the person's message and is sent whole."""


def block_text(content: types.ContentBlock) -> str:
    """Return the text of a part of a prompt."""
    text = part_text(content)
    return shortened(text, _IN_A_PROMPT) if isinstance(content, types.EmbeddedResource) else text


def attached_text(
    uri: str, contents: Iterable[types.TextResourceContents | types.BlobResourceContents]
) -> str:
    """Return the text of a resource that the person attached."""
    text = shortened(contents_text(contents), LONGEST_ATTACHMENT)
    return f"The person attached the resource {uri}:\n\n{text}"


def prompt_json(server: str, prompt: types.Prompt) -> dict[str, Any]:
    """Return a prompt with the arguments that it takes."""
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


def resource_json(server: str, resource: types.Resource) -> dict[str, Any]:
    """Return a resource without its content."""
    return {
        "server": server,
        "uri": str(resource.uri),
        "name": resource.name,
        "title": resource.title or resource.name,
        "description": resource.description or "",
        "mime_type": resource.mimeType,
    }


def template_json(server: str, template: types.ResourceTemplate) -> dict[str, Any]:
    """Return a resource template with the names of its variables (RFC 6570)."""
    return {
        "server": server,
        "uri_template": template.uriTemplate,
        "title": template.title or template.name,
        "description": template.description or "",
        "arguments": variables(template.uriTemplate),
    }
