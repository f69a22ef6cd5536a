"""Assembles the chat in a terminal from its settings."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from semantic_kernel import Kernel

from mcpsecurity.client import BridgeError, Command
from mcpsecurity.console.access import Tenant
from mcpsecurity.console.chat import Chat
from mcpsecurity.console.errors import ErrorWords
from mcpsecurity.console.servers import ChatServer, OpenServer, Servers
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.console.terminal import Terminal, TypedTerminal
from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.kernel.model import ChatModel, Inquiry, open_model
from mcpsecurity.model_listing import Told
from mcpsecurity.model_windows import context_window, known_window
from mcpsecurity.runtime.printable import one_line
from mcpsecurity.runtime.proxy import proxied
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity.runtime.tls import client_ssl_context

_SILENT_SECONDS: Final = 3.0


async def run_chat(
    settings: ConsoleSettings, servers: Sequence[ChatServer], tenant: Tenant | None = None
) -> None:
    """Sign in, connect and chat until the person ends it.

    Raises:
        BridgeError: no MCP server can be used; the message says why.
    """
    chat: Chat | None = None
    terminal = TypedTerminal(lambda: chat.command_names() if chat is not None else [])
    for sentence in proxied(_addresses(settings, servers, tenant)):
        terminal.write(sentence, "dim")
    kernel = Kernel()
    async with open_model(settings, client_ssl_context(settings.ca_file)) as service:
        model = _within_budget(service, settings, kernel)
        connects = Servers(
            settings, tenant, kernel, model, terminal, lambda: chat.stop() if chat is not None else None
        )
        async with (
            Inquiry(service, settings, partial(_take_window, model)) as inquiry,
            _opened(connects, servers, terminal) as connected,
        ):
            terminal.write("Type a message; / for prompts, /help for more, Ctrl-D to end.", "dim")
            chat = Chat(
                terminal, connected, Conversation(kernel, model, inquiry.ask), ErrorWords(settings).of
            )
            await chat.run()


@asynccontextmanager
async def _opened(
    connects: Servers, servers: Sequence[ChatServer], terminal: Terminal
) -> AsyncIterator[list[OpenServer]]:
    """Yield the servers that can be used. Of several, those that cannot are told; one alone ends it.

    Commands start side by side; at other servers people may have to sign in, one after the other.
    """
    async with AsyncExitStack() as resources:
        starting = [
            asyncio.create_task(resources.enter_async_context(connects.opened(server)))
            if isinstance(server.target, Command)
            else None
            for server in servers
        ]
        try:
            connected: list[OpenServer] = []
            for server, task in zip(servers, starting, strict=True):
                try:
                    if task is not None:
                        opened = await _started(task, server, terminal)
                    else:
                        opened = await resources.enter_async_context(connects.opened(server))
                except BridgeError as error:
                    if len(servers) == 1:
                        raise
                    terminal.write(str(error), "red")
                    continue
                terminal.write(f"{opened.client.server_name}, {opened.access.signed_in()}", "bold")
                if opened.access.remark is not None:
                    terminal.write(opened.access.remark, "dim")
                connected.append(opened)
            if not connected:
                raise BridgeError("None of the MCP servers can be used.")
            yield connected
        finally:
            await end_tasks(*filter(None, starting))


async def _started(task: asyncio.Task[OpenServer], server: ChatServer, terminal: Terminal) -> OpenServer:
    """Wait for a command, and say so if it takes its time."""
    await asyncio.wait([task], timeout=_SILENT_SECONDS)
    if not task.done() and isinstance(server.target, Command):
        label = one_line(server.target.label)
        terminal.write(f"Waiting for {label}; the first start takes longest (Ctrl-C ends it) …", "dim")
    return await task


def _addresses(settings: ConsoleSettings, servers: Sequence[ChatServer], tenant: Tenant | None) -> list[str]:
    """Return the addresses to which requests go."""
    of_servers = [server.target for server in servers if not isinstance(server.target, Command)]
    authority = [tenant.settings.authority] if tenant is not None else []
    return [*authority, settings.endpoint.base_url, *of_servers]


def _within_budget(model: ChatModel, settings: ConsoleSettings, kernel: Kernel) -> BudgetedModel:
    window = settings.context_window or context_window(settings.endpoint, settings.model_name)
    guessed = settings.context_window is None and known_window(settings.model_name) is None
    return BudgetedModel.of(
        model, window=window, kernel=kernel, answer=settings.max_output_tokens, guessed=guessed
    )


def _take_window(model: BudgetedModel, told: Told) -> None:
    if told.window is not None:
        model.reads(told.window)
