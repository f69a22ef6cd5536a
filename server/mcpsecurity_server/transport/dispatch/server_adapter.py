"""The transport's view of a program: a low-level server of the official SDK, with its registered handlers."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import types
from mcp.server.fastmcp.tools import Tool
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.context import RequestContext

Handler = Callable[[Any], Awaitable[types.ServerResult]]


class ServerAdapter:
    """A low-level server. Each request runs the handler that it has registered."""

    def __init__(self, server: Server[Any, Any]) -> None:
        self.server = server

    @property
    def name(self) -> str:
        """What the program calls itself."""
        return self.server.name

    def lifespan(self) -> AbstractAsyncContextManager[Any]:
        """Return the server's lifespan, to be entered once for each application."""
        return self.server.lifespan(self.server)

    def handler(self, request_type: type) -> Handler | None:
        """Return the handler registered for a request type."""
        return self.server.request_handlers.get(request_type)

    def notification_handler(self, notification_type: type) -> Callable[[Any], Awaitable[None]] | None:
        """Return the handler registered for a notification type."""
        return self.server.notification_handlers.get(notification_type)

    def capabilities(self, experimental: Mapping[str, Any]) -> types.ServerCapabilities:
        """Return the capabilities for which the program has handlers."""
        declared = self.server.get_capabilities(NotificationOptions(), dict(experimental))
        if declared.resources is not None and self.handler(types.SubscribeRequest) is not None:
            declared.resources.subscribe = True
        return declared

    def initialize_result(self, version: str, experimental: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of `initialize`, as JSON."""
        options = self.server.create_initialization_options(NotificationOptions(), dict(experimental))
        result = types.InitializeResult(
            protocolVersion=version,
            capabilities=self.capabilities(experimental),
            serverInfo=types.Implementation(
                name=options.server_name,
                title=getattr(self.server, "title", None),  # the SDK's has none, a subclass may
                version=options.server_version,
                websiteUrl=options.website_url,
                icons=options.icons,
            ),
            instructions=options.instructions,
        )
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)

    def read_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of a request as the program wants to read them.

        A program with a `uri_type` gets the URIs of resources as that, which may keep what pydantic rewrites.
        """
        uri, uri_type = params.get("uri"), getattr(self.server, "uri_type", None)
        return {**params, "uri": uri_type(uri)} if uri_type is not None and isinstance(uri, str) else params

    def direct_tool(self, name: str) -> Tool | None:  # noqa: ARG002 - for programs that have some
        """Return the tool that can run without the handler of `tools/call`, or None."""
        return None

    def direct_tools(self) -> bool:
        """Tell whether tools can run without the handler of `tools/call`."""
        return False

    def is_tool(self, name: Any) -> bool:
        """Tell whether the program has listed a tool of this name."""
        return isinstance(name, str) and name in self.server._tool_cache  # noqa: SLF001 - what it has listed

    def lists_whole(self, request_type: type) -> bool:  # noqa: ARG002 - for programs that do
        """Tell whether the handler of a list request ignores cursors."""
        return False

    async def lacks_prompt(self, name: str) -> bool:  # noqa: ARG002 - for programs whose prompts are known
        """Tell whether the program is known to lack a prompt of this name."""
        return False

    async def run_tool(
        self, tool: Tool, arguments: dict[str, Any], context: RequestContext[Any, Any, Any]
    ) -> dict[str, Any]:
        """Raise `NotImplementedError`: a low-level server has no tools that run directly."""
        raise NotImplementedError
