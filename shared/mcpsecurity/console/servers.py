"""The MCP servers of a chat in a terminal, each with its access and its questions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from semantic_kernel import Kernel

from mcpsecurity.client import BridgeError, Command
from mcpsecurity.client.command_log import command_log
from mcpsecurity.client.oauth import ClientId
from mcpsecurity.console.access import Access, Tenant, open_access, without_sign_in
from mcpsecurity.console.command_lines import CommandLines
from mcpsecurity.console.handler import ConsoleHandler
from mcpsecurity.console.images import keep_images
from mcpsecurity.console.progress import ProgressLines
from mcpsecurity.console.sampling import sampling_callback
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.console.terminal import Terminal
from mcpsecurity.kernel import McpClient
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.runtime.printable import one_line

SINGLE = "Tools"
"""The plugin of a server that is the only one."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """An MCP server to use.

    Attributes:
        target: its address, or a command.
        plugin: the name of its plugin in the kernel.
        headers: what it wants with each request, such as a key.
        include: the names of the tools to use; None: all.
        exclude: the names of tools that are not used.
        client: the client that signs people in where the server says, if it was registered by hand.
        configured: it is the server of the tenant's settings, and not one that the person named.
    """

    target: str | Command
    plugin: str = SINGLE
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    include: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    client: ClientId | None = None
    configured: bool = False


@dataclass(frozen=True, slots=True)
class OpenServer:
    """A server that is connected."""

    client: McpClient
    handler: ConsoleHandler
    access: Access
    lines: CommandLines | None = None
    """What its command prints."""


class Servers:
    """Connects servers to the kernel of a chat, whose model and terminal they share.

    `stop` ends the answer that is being given. Questions are asked one after the other.
    """

    def __init__(
        self,
        settings: ConsoleSettings,
        tenant: Tenant | None,
        kernel: Kernel,
        model: BudgetedModel,
        terminal: Terminal,
        stop: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._tenant = tenant
        self._kernel = kernel
        self._model = model
        self._terminal = terminal
        self._stop = stop
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def opened(self, server: ChatServer) -> AsyncIterator[OpenServer]:
        """Yield a server while it is connected.

        Raises:
            BridgeError: it cannot be used; the message says why.
        """
        handler = ConsoleHandler(self._terminal, self._stop, self._turn)
        is_command = isinstance(server.target, Command)
        lines = self._lines(server.target)
        async with AsyncExitStack() as resources:
            resources.push(partial(_show_why, lines))
            target, access = await self._access(server, lines, resources)
            client = McpClient(
                self._kernel,
                target,
                **access.options,
                plugin_name=server.plugin,
                include=server.include,
                exclude=server.exclude,
                ask=handler,
                approve=True,
                sampling=sampling_callback(handler, self._model, lambda: client.server_name),
                progress=ProgressLines(self._terminal.write).show,
                on_result=lambda tool, text: keep_images(tool, text, self._terminal.write),
                ca_file=self._settings.ca_file,
            )
            await resources.enter_async_context(client)
            yield OpenServer(client, handler, access, lines if is_command else None)

    def _lines(self, target: str | Command) -> CommandLines:
        label = one_line(target.label) if isinstance(target, Command) else target
        return CommandLines(label, partial(self._terminal.write, style="dim"))

    async def _access(
        self, server: ChatServer, lines: CommandLines, resources: AsyncExitStack
    ) -> tuple[str | Command, Access]:
        if isinstance(server.target, Command):
            log = await resources.enter_async_context(command_log(lines.take))
            return replace(server.target, log=log), without_sign_in("a command of this machine")
        if server.headers:
            return server.target, without_sign_in("by a key", {"headers": server.headers})
        tell = partial(self._terminal.write, style="bold")
        access = open_access(
            server.target,
            self._settings,
            self._tenant,
            tell,
            configured=server.configured,
            client=server.client,
        )
        return server.target, await resources.enter_async_context(access)


def _show_why(lines: CommandLines, kind: type[BaseException] | None, *_: object) -> None:
    """Show what a command said that cannot be used."""
    if kind is not None and issubclass(kind, BridgeError):
        lines.show_last()
