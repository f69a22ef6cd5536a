"""An MCP server's tools as a plugin of a kernel, kept in step with the server while it is open."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

import httpx
from mcp import types
from mcp.client.session import ElicitationFnT
from semantic_kernel import Kernel
from semantic_kernel.contents import ChatMessageContent
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.approval import APPROVED_META, EDITED_META, edited_note
from mcpsecurity.client import (
    BridgeError,
    CallDeclinedError,
    Command,
    HeaderAuth,
    McpConnection,
    ProtocolError,
    ToolFailedError,
    ToolText,
)
from mcpsecurity.client.credentials import Credential, CredentialAuth
from mcpsecurity.client.parts import resource_text
from mcpsecurity.client.results import Shown, pictures
from mcpsecurity.elicitation import Accepted
from mcpsecurity.elicitation.handler import ElicitationHandler, elicitation_callback
from mcpsecurity.kernel.call_context import CallersContext
from mcpsecurity.kernel.catalog import load_functions, prompt_messages
from mcpsecurity.kernel.frontend import in_notebook, show_images, someone_to_ask
from mcpsecurity.kernel.functions import check_name_is_free
from mcpsecurity.kernel.options import ClientOptions
from mcpsecurity.kernel.schema_functions import unknown_arguments
from mcpsecurity.kernel.wrong_use import check_credential, check_kernel, check_plugin_name, check_server
from mcpsecurity.runtime.exact_decimals import dumps
from mcpsecurity.server_headers import check_address

_log = logging.getLogger(__name__)

_OPEN: WeakSet["ServerPlugin"] = WeakSet()
"""Those that are open: a cell of a notebook that is run again closes the one that it left open."""

_LISTS = (
    types.ToolListChangedNotification,
    types.PromptListChangedNotification,
    types.ResourceListChangedNotification,
)


class ServerPlugin:
    """The implementation of `McpClient`, which says what each method does. Making one sends nothing.

    Attributes:
        plugin: the kernel plugin.
        ask: the handler of the server's questions; None if no person can be asked.
        connection: the connection to the server.

    Raises:
        ValueError: no person can approve calls here, a credential lacks its scope, or a header may not be
            set.
    """

    def __init__(
        self,
        kernel: Kernel,
        url: str | Command,
        credential: "Credential | httpx.Auth | None",
        scope: str | None,
        options: ClientOptions,
    ) -> None:
        check_kernel(kernel)
        check_server(url)
        check_credential(credential)
        check_plugin_name(options.plugin_name)
        if isinstance(url, Command) and (credential is not None or options.headers):
            raise ValueError("A command gets neither a token nor headers; it has variables.")
        if isinstance(url, str) and options.headers:
            check_address(url)
        self.ask: ElicitationHandler | None = someone_to_ask(options.ask, approve=options.approve)
        self.plugin = KernelPlugin(name=options.plugin_name)
        self._kernel, self._options, self._server = kernel, options, url
        self._on_change = options.on_change or (lambda _: None)
        self._on_result = options.on_result or show_images
        shows_images = options.on_result is not None or in_notebook()
        self._shown: Shown = pictures if shows_images else lambda _: ()
        self._stale = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._caller = CallersContext()
        self.connection = McpConnection(
            url,
            auth=_auth(credential, scope, options.headers, self._caller),
            elicitation=self._elicitation(),
            sampling=options.sampling,
            on_notification=self._heard,
            ca_file=Path(options.ca_file) if options.ca_file is not None else None,
        )
        self.connection.on_open = self._stale.set

    def _elicitation(self) -> ElicitationFnT | None:
        if self.ask is None:
            return None
        return self._caller.elicitation(elicitation_callback(self.ask, lambda: self.server_name))

    async def open(self) -> None:
        if in_notebook():
            await self._close_former()
        self._check_name()
        await self.connection.open()
        try:
            await self.refresh()
            self._check_name()  # another client may have been opened meanwhile
        except BaseException:
            await self.connection.aclose()
            raise
        self._kernel.plugins[self.plugin.name] = self.plugin
        _OPEN.add(self)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_in_step(), name=f"mcp tools {self.plugin.name}")

    def _check_name(self) -> None:
        check_name_is_free(self._kernel, self.plugin.name, lambda plugin: plugin is self.plugin)

    async def _close_former(self) -> None:
        """Close the one that a former run of the same cell has left open."""
        for other in list(_OPEN):
            same = other._kernel is self._kernel and other.plugin.name == self.plugin.name  # noqa: SLF001 - its own class
            if same and other is not self and other._server == self._server:  # noqa: SLF001 - as above
                await other.aclose()

    async def aclose(self) -> None:
        _OPEN.discard(self)
        keeper = self._keeper
        if keeper is not None and not keeper.done():
            self.connection.check_loop()
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([keeper])
        if self._kernel.plugins.get(self.plugin.name) is self.plugin:
            del self._kernel.plugins[self.plugin.name]
        await self.connection.aclose()

    @property
    def server_name(self) -> str:
        server = self.connection.server
        return (server.serverInfo.title or server.serverInfo.name) if server else self.connection.url

    async def refresh(self) -> None:
        self._stale.clear()
        functions = await load_functions(
            self.connection, self._options, self._call_for_the_kernel, self._shown
        )
        self.plugin.functions.clear()
        self.plugin.update({function.name: function for function in functions})

    async def call_tool(self, name: str, /, **arguments: Any) -> ToolText:
        self._check_arguments(name, arguments)
        text = ToolText.of(await self._call(name, arguments))
        if text.result.isError:
            raise ToolFailedError(name, str(text))
        return text

    def _check_arguments(self, name: str, arguments: dict[str, Any]) -> None:
        """Refuse arguments that the tool does not know: many servers would silently leave them out."""
        for function in self.plugin.functions.values():
            known = function.metadata.additional_properties or {}
            if known.get("tool") != name:
                continue
            unknown = unknown_arguments(known["parameters"], arguments)
            if unknown:
                names = ", ".join(known["parameters"]["properties"]) or "none"
                raise ProtocolError(
                    f"The tool {name} has no argument {', '.join(map(repr, unknown))}; it has: {names}."
                    " The call was not made.",
                    code=types.INVALID_PARAMS,
                )

    async def get_prompt(self, name: str, /, **arguments: str) -> list[ChatMessageContent]:
        return prompt_messages(await self.connection.get_prompt(name, arguments))

    async def read_resource(self, uri: str) -> str:
        contents = (await self.connection.read_resource(uri)).contents
        return "\n".join(resource_text(part) for part in contents)

    async def _call_for_the_kernel(self, tool: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
        meta: dict[str, Any] | None = None
        note: str | None = None
        if self._options.approve and self.ask is not None:
            outcome = await self.ask.approve(self.server_name, tool, arguments)
            if not isinstance(outcome, Accepted):
                raise CallDeclinedError(tool.name)
            meta = {APPROVED_META: True}
            approved = outcome.content if outcome.content is not None else arguments
            note = edited_note(dumps(approved, ensure_ascii=False)) if approved != arguments else None
            arguments = approved
        result = await self._call(tool.name, arguments, meta)
        self._on_result(tool.name, ToolText.of(result))
        if note is not None:
            result.meta = {**(result.meta or {}), EDITED_META: note}
        return result

    async def _call(
        self, name: str, arguments: dict[str, Any], meta: dict[str, Any] | None = None
    ) -> types.CallToolResult:
        self._caller.enter()
        progress = self._caller.progress(self._options.progress)
        return await self.connection.call_tool(name, arguments, progress, meta)

    async def _heard(self, notification: types.ServerNotification) -> None:
        if isinstance(notification.root, _LISTS):
            self._stale.set()

    async def _keep_in_step(self) -> None:
        """Refresh whenever a list has changed or a new session was opened, beside the receive loop."""
        while True:
            await self._stale.wait()
            try:
                await self.refresh()
                self._on_change(self.plugin)
            except BridgeError as error:
                _log.warning("the tools of %s could not be listed again: %s", self.connection.url, error)
                self._stale.clear()
            except Exception:  # noqa: BLE001 - one odd listing must not end all that come after it
                _log.exception("the tools of %s could not be brought up to date", self.connection.url)
                self._stale.clear()


def _auth(
    credential: "Credential | httpx.Auth | None",
    scope: str | None,
    headers: Mapping[str, str] | None,
    caller: CallersContext,
) -> httpx.Auth | None:
    token: httpx.Auth | None = None
    if isinstance(credential, httpx.Auth) and scope is None:
        token = credential
    elif isinstance(credential, httpx.Auth):
        raise ValueError("A sign-in at the server's own authorization server takes no scope.")
    elif credential is not None and scope is not None:
        token = CredentialAuth(credential, scope, within=caller.run)
    elif credential is not None or scope is not None:
        raise ValueError("A credential needs a scope to ask for, and a scope a credential.")
    return HeaderAuth(headers, token) if headers else token
