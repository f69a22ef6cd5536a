"""Assembles the chat in a terminal from its settings."""

from functools import partial

import msal  # type: ignore[import-untyped] # ships no types
from semantic_kernel import Kernel

from mcpsecurity.console.access import open_access
from mcpsecurity.console.chat import Chat
from mcpsecurity.console.handler import ConsoleHandler
from mcpsecurity.console.images import keep_images
from mcpsecurity.console.sampling import sampling_callback
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.console.terminal import TypedTerminal
from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import McpClient
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.kernel.demo import DemoCredential
from mcpsecurity.kernel.model import ChatModel, Inquiry, open_model
from mcpsecurity.model_listing import Told
from mcpsecurity.model_windows import context_window
from mcpsecurity.runtime.proxy import proxied
from mcpsecurity.runtime.tls import client_ssl_context


async def run_chat(
    settings: ConsoleSettings,
    *,
    device_code: bool,
    cache: msal.TokenCache | None = None,
    demo_credential: DemoCredential | None = None,
) -> None:
    """Sign in, connect and chat until the person ends it. `cache` keeps tokens; by default, encrypted ones.
    `demo_credential` is that of a person of the running demo, who needs no sign-in.

    Raises:
        BridgeError: the MCP server cannot be used; the message says why.
    """
    chat: Chat | None = None
    terminal = TypedTerminal(lambda: chat.command_names() if chat is not None else [])
    for sentence in proxied((settings.authority, settings.endpoint.base_url, settings.mcp_url)):
        terminal.write(sentence, "dim")
    kernel, tell = Kernel(), partial(terminal.write, style="bold")
    async with (
        open_model(settings, client_ssl_context(settings.ca_file)) as service,
        open_access(
            settings, tell, device_code=device_code, cache=cache, demo_credential=demo_credential
        ) as access,
    ):
        model = _within_budget(service, settings, kernel)
        handler = ConsoleHandler(terminal, lambda: chat.stop() if chat is not None else None)
        async with (
            Inquiry(service, settings, partial(_take_window, model)) as inquiry,
            McpClient(
                kernel,
                settings.mcp_url,
                **access.options,
                ask=handler,
                approve=True,
                sampling=sampling_callback(handler, model, lambda: client.server_name),
                on_result=lambda tool, text: keep_images(tool, text, terminal.write),
                ca_file=settings.ca_file,
            ) as client,
        ):
            terminal.write(f"{client.server_name}, signed in {access.signed_in()}", "bold")
            if access.remark is not None:
                terminal.write(access.remark, "dim")
            terminal.write("Type a message; / for prompts, /help for more, Ctrl-D to end.", "dim")
            conversation = Conversation(kernel, model, inquiry.ask)
            chat = Chat(terminal, client, handler, conversation, access.sign_out)
            await chat.run()


def _within_budget(model: ChatModel, settings: ConsoleSettings, kernel: Kernel) -> BudgetedModel:
    window = settings.context_window or context_window(settings.endpoint, settings.model_name)
    return BudgetedModel.of(model, window=window, kernel=kernel, answer=settings.max_output_tokens)


def _take_window(model: BudgetedModel, told: Told) -> None:
    if told.window is not None:
        model.reads(told.window)
