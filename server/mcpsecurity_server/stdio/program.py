"""A command as a program that can be mounted: each request goes on to the process of its caller."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, Final, Protocol

from aiohttp import web
from mcp import McpError, types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.lowlevel import Server
from mcp.shared.session import ProgressFnT
from pydantic import BaseModel

from mcpsecurity.client import Command
from mcpsecurity.client.lenient_results import (
    ListedPrompts,
    ListedResources,
    ListedTemplates,
    ListedTools,
    ReadableContents,
    ResourceUri,
)
from mcpsecurity_server.stdio.child_process import RunningCall, StdioProcess
from mcpsecurity_server.stdio.processes import Listeners, Processes
from mcpsecurity_server.transport import LOG_LEVELS, SESSION_HEADER, Kind, Owner, Wishes, owner_of

_FORWARDED: Final[dict[str, tuple[tuple[type[Any], type[BaseModel]], ...]]] = {
    "prompts": (
        (types.ListPromptsRequest, ListedPrompts),
        (types.GetPromptRequest, types.GetPromptResult),
    ),
    "resources": (
        (types.ListResourcesRequest, ListedResources),
        (types.ListResourceTemplatesRequest, ListedTemplates),
        (types.ReadResourceRequest, ReadableContents),
    ),
    "completions": ((types.CompleteRequest, types.CompleteResult),),
}
"""By capability, the requests that a process answers, and their results. Lists leave out unreadable parts."""

_LISTS: Final[dict[str, Kind]] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}

_USUAL_LEVEL: Final = "info"


class Clients(Protocol):
    """The clients of the server, to be told of what a process says of itself: a `MountedMcp`."""

    async def list_changed(self, what: Kind, owner: Owner | None = None) -> None:
        """Tell an owner's clients that a list has changed."""

    async def resource_updated(self, uri: str, owner: Owner | None = None) -> None:
        """Tell an owner's clients that have subscribed to it that a resource has changed."""

    async def log_message(self, params: dict[str, Any], owner: Owner) -> None:
        """Send an owner's clients a log message that belongs to no call."""

    async def wishes(self, owner: Owner) -> Wishes:
        """Return what an owner's clients want to be told."""


class StdioProgram(Server[Processes, Any]):
    """A program whose handlers forward to processes of a command. What it has is known once it runs.

    Attributes:
        clients: those of the server; None: nobody is told of anything.
    """

    clients: Clients | None = None
    title: str | None = None
    uri_type = ResourceUri

    def __init__(self, command: Command) -> None:
        super().__init__(command.label, lifespan=_running)
        self.processes = Processes(command, Listeners(self._notified, self._prepare, self._is_heard))
        self._declared = types.ServerCapabilities()

    def get_capabilities(self, *_: Any) -> types.ServerCapabilities:
        """Return what the server behind this program declares, as far as it is passed on."""
        declared = self._declared
        return types.ServerCapabilities(
            tools=declared.tools,
            prompts=declared.prompts,
            resources=declared.resources,
            completions=declared.completions,
            logging=declared.logging,
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
        if greeting.capabilities.logging is not None:
            self.request_handlers[types.SetLevelRequest] = self._set_level
        if self._takes_subscriptions:
            self.request_handlers[types.SubscribeRequest] = _forward(self.processes, types.EmptyResult)
            self.request_handlers[types.UnsubscribeRequest] = self._unsubscribe
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

    @property
    def _takes_subscriptions(self) -> bool:
        resources = self._declared.resources
        return resources is not None and resources.subscribe is True

    async def _set_level(self, request: types.SetLevelRequest) -> types.ServerResult:
        await _lower_level(await _process(self.processes), request.params.level)
        return types.ServerResult(types.EmptyResult())

    async def _unsubscribe(self, request: types.UnsubscribeRequest) -> types.ServerResult:
        """Tell the process, unless another client of its caller stays subscribed."""
        process, owner = await _process(self.processes), owner_of(get_access_token())
        wishes = await self._wishes(owner)
        if wishes is None or wishes.subscriptions.get(str(request.params.uri), 0) < 2:
            await process.send(types.ClientRequest(request), types.EmptyResult)
        return types.ServerResult(types.EmptyResult())

    async def _wishes(self, owner: Owner) -> Wishes | None:
        return await self.clients.wishes(owner) if self.clients is not None else None

    async def _is_heard(self, owner: Owner) -> bool:
        wishes = await self._wishes(owner)
        return wishes is not None and bool(wishes.subscriptions)

    async def _prepare(self, owner: Owner, process: StdioProcess) -> None:
        """Tell a process what the one before it was told: the level of log messages, and subscriptions."""
        wishes = await self._wishes(owner)
        if wishes is None:
            return
        with contextlib.suppress(McpError):
            if wishes.log_level is not None and self._declared.logging is not None:
                await _lower_level(process, wishes.log_level)
            for uri in wishes.subscriptions if self._takes_subscriptions else ():
                params = types.SubscribeRequestParams(uri=ResourceUri(uri))
                request = types.ClientRequest(types.SubscribeRequest(params=params))
                await process.send(request, types.EmptyResult)

    async def _notified(self, owner: Owner, notification: types.ServerNotification) -> None:
        if self.clients is None:
            return
        match notification.root:
            case types.ResourceUpdatedNotification(params=params):
                await self.clients.resource_updated(str(params.uri), owner)
            case types.LoggingMessageNotification(params=params):
                message = params.model_dump(by_alias=True, mode="json", exclude_none=True)
                await self.clients.log_message(message, owner)
            case other if (kind := _LISTS.get(other.method)) is not None:
                await self.clients.list_changed(kind, owner)


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


async def _lower_level(process: StdioProcess, level: str) -> None:
    """Ask a process for log messages of a level and those above, if it was not asked for more.

    It is asked for no less than `info`: other clients of its caller may have set no level, and the transport
    leaves out what one of them does not want.
    """
    level = min(level, _USUAL_LEVEL, key=LOG_LEVELS.index)
    if process.log_level is not None and LOG_LEVELS.index(process.log_level) <= LOG_LEVELS.index(level):
        return
    params = types.SetLevelRequestParams.model_validate({"level": level})
    await process.send(types.ClientRequest(types.SetLevelRequest(params=params)), types.EmptyResult)
    process.log_level = level


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
