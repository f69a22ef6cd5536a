"""Assembles the chat in a terminal from its settings."""

import msal  # type: ignore[import-untyped] # ships no types
from semantic_kernel import Kernel

from mcpsecurity.console.cache import open_token_cache
from mcpsecurity.console.chat import Chat
from mcpsecurity.console.handler import ConsoleHandler
from mcpsecurity.console.images import keep_images
from mcpsecurity.console.sampling import sampling_callback
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.console.signin import MsalCredential
from mcpsecurity.console.terminal import TypedTerminal
from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import McpClient
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.kernel.demo_credential import DemoCredential
from mcpsecurity.kernel.model import ChatModel, open_model
from mcpsecurity.model_windows import context_window
from mcpsecurity.oidc.azure_identity import azure_identity
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
    remark = None
    if cache is None and demo_credential is None:
        cache, remark = open_token_cache(settings.token_cache)
    for sentence in proxied((settings.authority, settings.endpoint.base_url, settings.mcp_url)):
        terminal.write(sentence, "dim")
    kernel = Kernel()
    async with (
        open_model(settings, client_ssl_context(settings.ca_file)) as service,
        demo_credential or _credential(settings, terminal, cache, device_code) as who,
    ):
        model = _within_budget(service, settings, kernel)
        handler = ConsoleHandler(terminal, lambda: chat.stop() if chat is not None else None)
        async with McpClient(
            kernel,
            settings.mcp_url,
            who,
            settings.scope,
            ask=handler,
            approve=True,
            sampling=sampling_callback(handler, model, lambda: client.server_name),
            on_result=lambda tool, text: keep_images(tool, text, terminal.write),
            ca_file=settings.ca_file,
        ) as client:
            terminal.write(f"{client.server_name}, signed in as {who.username}", "bold")
            if remark is not None:
                terminal.write(remark, "dim")
            terminal.write("Type a message; / for prompts, /help for more, Ctrl-D to end.", "dim")
            conversation = Conversation(kernel, model)
            chat = Chat(terminal, client, handler, conversation, who.sign_out)
            await chat.run()


def _within_budget(model: ChatModel, settings: ConsoleSettings, kernel: Kernel) -> BudgetedModel:
    window = settings.context_window or context_window(settings.endpoint, settings.model_name)
    return BudgetedModel.of(model, window=window, kernel=kernel, answer=settings.max_output_tokens)


def _credential(
    settings: ConsoleSettings, terminal: TypedTerminal, cache: msal.TokenCache | None, device_code: bool
) -> MsalCredential:
    identity = azure_identity(settings)
    return MsalCredential(
        settings.client_id,
        settings.authority,
        settings.tenant_id,
        cache=cache,
        tell=lambda text: terminal.write(text, "bold"),
        device_code=device_code,
        ca_file=settings.ca_file,
        assertion=identity.assertion if identity is not None else None,
    )
