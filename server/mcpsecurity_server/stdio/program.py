"""A command as a program that can be mounted: each request goes on to the process of its caller."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import PurePath
from typing import Any, Final

from aiohttp import web
from mcp import types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.lowlevel import Server
from mcp.shared.session import ProgressFnT
from pydantic import BaseModel

from mcpsecurity.client.lenient_results import ListedPrompts, ListedResources, ListedTemplates, ListedTools
from mcpsecurity_server.stdio.child_process import RunningCall, StdioProcess
from mcpsecurity_server.stdio.pipes import Command
from mcpsecurity_server.stdio.processes import Processes
from mcpsecurity_server.transport import SESSION_HEADER, Kind, Owner, owner_of

_FORWARDED: Final[dict[str, tuple[tuple[type[Any], type[BaseModel]], ...]]] = {
    "prompts": (
        (types.ListPromptsRequest, ListedPrompts),
        (types.GetPromptRequest, types.GetPromptResult),
    ),
    "resources": (
        (types.ListResourcesRequest, ListedResources),
        (types.ListResourceTemplatesRequest, ListedTemplates),
        (types.ReadResourceRequest, types.ReadResourceResult),
    ),
    "completions": ((types.CompleteRequest, types.CompleteResult),),
}
"""By capability, the requests that a process answers, and their results. Lists leave out unreadable parts."""

_LISTS: Final[dict[str, Kind]] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}

ListChanged = Callable[[Kind, Owner], Awaitable[None]]


class StdioProgram(Server[Processes, Any]):
    """A program whose handlers forward to processes of a command. What it has is known once it runs.

    Attributes:
        list_changed: called when a process says that a list has changed.
    """

    list_changed: ListChanged | None = None
    title: str | None = None

    def __init__(self, command: Command) -> None:
        super().__init__(PurePath(command.arguments[0]).name, lifespan=_running)
        self.processes = Processes(command, self._notified)
        self._declared = types.ServerCapabilities()

    def get_capabilities(self, *_: Any) -> types.ServerCapabilities:
        """Return what the server behind this program declares, as far as it is passed on."""
        declared = self._declared
        resources = declared.resources
        return types.ServerCapabilities(
            tools=declared.tools,
            prompts=declared.prompts,
            resources=resources.model_copy(update={"subscribe": False}) if resources is not None else None,
            completions=declared.completions,
        )

    def take(self, greeting: types.InitializeResult) -> None:
        """Take name, instructions and capabilities of the server behind this program."""
        about = greeting.serverInfo
        self.name, self.title, self.version = about.name, about.title, about.version
        self.website_url, self.icons, self.instructions = about.websiteUrl, about.icons, greeting.instructions
        self._declared = greeting.capabilities
        for capability, requests in _FORWARDED.items():
            if getattr(greeting.capabilities, capability) is not None:
                for request, result in requests:
                    self.request_handlers[request] = _forward(self.processes, result)
        if greeting.capabilities.tools is not None:
            self.list_tools()(_list_tools(self.processes))  # type: ignore[no-untyped-call] # the SDK's
            self.request_handlers[types.CallToolRequest] = self._call_tool

    async def _call_tool(self, request: types.CallToolRequest) -> types.ServerResult:
        process, context = await _process(self.processes), self.request_context
        http = context.request
        call = RunningCall(
            context.session,
            # Without a session a question ends the request, to be made again with the answer: a process
            # would run the tool twice.
            can_be_asked=isinstance(http, web.Request) and SESSION_HEADER in http.headers,
            context=copy_context(),
        )
        return types.ServerResult(await process.call(request.params, call, self._progress()))

    def _progress(self) -> ProgressFnT | None:
        """Return what sends progress to the caller, if it asked for that."""
        context = self.request_context
        token = context.meta.progressToken if context.meta is not None else None
        if token is None:
            return None

        async def send(progress: float, total: float | None, message: str | None) -> None:
            await context.session.send_progress_notification(token, progress, total, message)

        return send

    async def _notified(self, owner: Owner, notification: types.ServerNotification) -> None:
        kind = _LISTS.get(notification.root.method)
        if kind is not None and self.list_changed is not None:
            await self.list_changed(kind, owner)


@asynccontextmanager
async def _running(program: Any) -> AsyncIterator[Processes]:
    """Start the command and find out what it has, as long as the application runs."""
    processes: Processes = program.processes
    try:
        program.take(await processes.start())
        yield processes
    finally:
        await processes.aclose()


async def _process(processes: Processes) -> StdioProcess:
    """Return the process of the caller of the request that is handled."""
    return await processes.of(owner_of(get_access_token()))


def _forward(processes: Processes, result: type[BaseModel]) -> Callable[[Any], Awaitable[types.ServerResult]]:
    async def handle(request: Any) -> types.ServerResult:
        process = await _process(processes)
        return types.ServerResult(await process.send(types.ClientRequest(request), result))

    return handle


def _list_tools(processes: Processes) -> Callable[[types.ListToolsRequest], Awaitable[types.ListToolsResult]]:
    async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
        process = await _process(processes)
        listed: ListedTools = await process.send(types.ClientRequest(request), ListedTools)
        return listed

    return list_tools
