"""One object for an MCP server in a kernel.

Importing it is quick: Semantic Kernel, the MCP SDK and what else a connection needs are loaded when a client
is made.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mcpsecurity.kernel.options import Ask, ClientOptions
from mcpsecurity.running_demo import find_demo

if TYPE_CHECKING:
    import httpx
    from mcp import types
    from mcp.client.session import SamplingFnT
    from mcp.shared.session import ProgressFnT
    from semantic_kernel import Kernel
    from semantic_kernel.contents import ChatMessageContent
    from semantic_kernel.functions import KernelPlugin

    from mcpsecurity.client import Command, ToolText
    from mcpsecurity.client.credentials import Credential
    from mcpsecurity.elicitation.handler import ElicitationHandler


class McpClient:
    """A connection to an MCP server that keeps the server's tools in a kernel, as a plugin, while it is open.

    Use it as an async context manager, or call `connect` and `aclose`, in any cells of a notebook or tasks;
    interrupting a cell does no harm. When the server does not know the session any more, a new one is opened.
    When the server's list of tools changes, the plugin changes with it.

    Args:
        kernel: gets a plugin named `plugin_name`, which no other plugin of the kernel may have. In a notebook
            a client that was left open gives way to one of the same server: a cell can be run again.
        url: the MCP endpoint; or a `Command` of `mcpsecurity.client`, a server with the stdio transport that
            runs here while the client is open, and gets neither credential nor headers.
        credential: of azure-identity, sync or async; None calls without a token. For a server that names an
            authorization server of its own: `browser_auth(url)` of `mcpsecurity.client.oauth`, and no scope.
        scope: the scope of the token, such as `api://<client id>/mcp:tools`. The server cannot choose it: it
            would get a token for something else.
        headers: headers that the server wants with each request, such as an API key; sent by https only, or
            to this machine. With a credential, too, if it wants both.
        include: names of the tools to take; None takes all.
        exclude: names of tools to leave.
        prefix: put before each function's name.
        prompts: import prompts, too, as functions `prompt_NAME`.
        resources: import the functions `list_resources` and `read_resource`.
        ask: the handler of the server's questions. "here": widgets in a notebook, lines in a terminal;
            without a person, such as in a notebook that a program runs, the same as None. None: no questions
            are answered, and the server knows that.
        approve: ask the person before each call of a tool by the kernel. The call says so, so that the server
            does not ask the same again.
        sampling: answers the server's requests to a model, and has them approved; None: the client declares
            no such ability.
        progress: called with (progress, total, message) while a tool runs.
        on_result: called with the tool's name and each result that the kernel gets, to show images to the
            person; a model reads text only, and its text mentions them. By default a notebook shows them.
        on_change: called when the functions of the plugin have changed.
        ca_file: PEM file of a certificate authority to trust besides the system's.

    Raises:
        TypeError: an argument of another kind: no kernel, no server, no credential, one text as names.
        ValueError: an address without http(s), a name that no plugin can have, `approve` where no person can
            be asked, a credential without a scope, a header that may not be set, or a credential or headers
            for a command.
    """

    def __init__(
        self,
        kernel: "Kernel",
        url: "str | Command",
        credential: "Credential | httpx.Auth | None" = None,
        scope: str | None = None,
        *,
        headers: "Mapping[str, str] | None" = None,
        plugin_name: str = "Tools",
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        prefix: str = "",
        prompts: bool = False,
        resources: bool = False,
        ask: Ask = "here",
        approve: bool = False,
        sampling: "SamplingFnT | None" = None,
        progress: "ProgressFnT | None" = None,
        on_result: "Callable[[str, ToolText], None] | None" = None,
        on_change: "Callable[[KernelPlugin], None] | None" = None,
        ca_file: Path | str | None = None,
    ) -> None:
        from mcpsecurity.kernel.server_plugin import ServerPlugin  # noqa: PLC0415 - it loads Semantic Kernel
        from mcpsecurity.kernel.wrong_use import names_of  # noqa: PLC0415 - as above

        options = ClientOptions(
            include=names_of("include", include) if include is not None else None,
            exclude=names_of("exclude", exclude),
            plugin_name=plugin_name, prefix=prefix, prompts=prompts, resources=resources, ask=ask,
            approve=approve, sampling=sampling, progress=progress, on_result=on_result, on_change=on_change,
            headers=headers, ca_file=ca_file,
        )  # fmt: skip
        self._server = ServerPlugin(kernel, url, credential, scope, options)
        self._remove_model: Callable[[], Awaitable[None]] | None = None

    @classmethod
    async def connect(cls, kernel: "Kernel", url: "str | Command", *positional: Any, **options: Any) -> Self:
        """Make a client and open it; the arguments and errors are those of the class and of `open`."""
        return await cls(kernel, url, *positional, **options).open()

    @classmethod
    async def local(
        cls, kernel: "Kernel", *, user: str = "alice", port_offset: int | None = None, **options: Any
    ) -> Self:
        """Make a client of the demo that runs on this machine (`make demo`), and open it.

        A kernel that has no model gets the demo's, which answers by rules, until the client is closed.

        Args:
            kernel: gets the tools.
            user: who signs in: alice, bob or guest, without a password.
            port_offset: that of the demo; None takes the one that was started last.
            options: those of the class.

        Raises:
            NoDemoError: no demo runs here.
            BridgeError: as `open`.
        """
        from mcpsecurity.kernel.demo import add_model, client_arguments  # noqa: PLC0415 - it loads Semantic Kernel

        demo = find_demo(port_offset)
        client = cls(kernel, **client_arguments(demo, user), **options)
        client._remove_model = add_model(kernel, demo)
        try:
            return await client.open()
        except BaseException:
            await client.aclose()
            raise

    async def open(self) -> Self:
        """Connect, and add the plugin to the kernel.

        Raises:
            SignInRequiredError: no token, or one that is refused; `scope` says what the server asks for.
            InsufficientScopeError: the token lacks what `scope` says.
            KeyRefusedError: the server refuses the `headers`.
            CommandError: the command does not start, or is no MCP server.
            BridgeError: it failed for another reason.
            ValueError: another client of the kernel, or a plugin of your own, has this plugin's name.
        """
        await self._server.open()
        return self

    async def aclose(self) -> None:
        """Close the connection and take the plugin out of the kernel. May be called twice.

        Raises:
            BridgeError: the client is open in another event loop.
        """
        await self._server.aclose()
        if self._remove_model is not None:
            await self._remove_model()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def plugin(self) -> "KernelPlugin":
        """The kernel plugin."""
        return self._server.plugin

    @property
    def ask(self) -> "ElicitationHandler | None":
        """The handler of the server's questions; None declines them all."""
        return self._server.ask

    @property
    def server_name(self) -> str:
        """What the server calls itself; its address or program before it is connected."""
        return self._server.server_name

    @property
    def session_id(self) -> str | None:
        """The MCP session's id, for a server's log."""
        return self._server.connection.session_id

    async def refresh(self) -> None:
        """Reload the plugin from the server. A change that the server announces reloads it automatically.

        Raises:
            BridgeError: the server could not be asked; the plugin stays as it was.
        """
        await self._server.refresh()

    async def call_tool(self, name: str, /, **arguments: Any) -> "ToolText":
        """Call a tool yourself, without asking for approval.

        Raises:
            ToolFailedError: the tool said that it failed, and why.
            ProtocolError: the tool has no such argument; the message names those that it has.
            BridgeError: the call itself failed.
        """
        return await self._server.call_tool(name, **arguments)

    async def get_prompt(self, name: str, /, **arguments: str) -> "list[ChatMessageContent]":
        """Return a prompt's messages, to extend a chat history with. Raises `BridgeError`."""
        return await self._server.get_prompt(name, **arguments)

    async def read_resource(self, uri: str) -> str:
        """Return the text of a resource; binary content is named only. Raises `BridgeError`."""
        return await self._server.read_resource(uri)

    async def list_prompts(self) -> "list[types.Prompt]":
        """Return the server's prompts. Raises `BridgeError`."""
        return await self._server.connection.list_prompts()

    async def list_resources(self) -> "list[types.Resource]":
        """Return the server's resources. Raises `BridgeError`."""
        return await self._server.connection.list_resources()

    async def list_resource_templates(self) -> "list[types.ResourceTemplate]":
        """Return the templates of resources: addresses with places for values. Raises `BridgeError`."""
        return await self._server.connection.list_resource_templates()
