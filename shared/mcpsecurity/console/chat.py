"""The chat program: messages, commands, and what can go wrong."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from mcp import types

from mcpsecurity.client import BridgeError
from mcpsecurity.console.command_lines import CommandLines
from mcpsecurity.console.resources import Resources
from mcpsecurity.console.servers import OpenServer
from mcpsecurity.console.terminal import Terminal
from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import McpClient
from mcpsecurity.runtime.printable import one_line

HELP = """\
Type a message, or a command:
  /NAME       start from a prompt of the server; /prompts lists them
  /tools      list the tools
  /resources  list the resources, and templates of more; /read URI puts one into the chat
  /log        show what the commands of servers have printed
  /grants     list the tools that are always approved; /revoke takes that back
  /new        begin a new chat
  /signout    forget who is signed in, and end
  /quit       end (as Ctrl-D does)
Ctrl-C stops an answer."""


class Chat:
    """A conversation at a terminal, until the person ends `run`. `told` puts an error into words."""

    def __init__(
        self,
        terminal: Terminal,
        servers: Sequence[OpenServer],
        conversation: Conversation,
        told: Callable[[BaseException], str],
    ) -> None:
        self._terminal = terminal
        self._servers = servers
        self._conversation = conversation
        self._told = told
        self._resources = Resources(terminal, [server.client for server in servers], told)
        self._answering: asyncio.Task[None] | None = None
        self._prompts: dict[str, tuple[McpClient, types.Prompt]] = {}
        self._commands: dict[str, Callable[[str], Awaitable[bool | None]]] = {
            "/help": self._help,
            "/prompts": self._list_prompts,
            "/tools": self._list_tools,
            "/resources": self._list_resources,
            "/read": self._read_resource,
            "/log": self._show_logs,
            "/grants": self._list_grants,
            "/revoke": self._revoke,
            "/new": self._new,
            "/signout": self._forget_me,
            "/quit": self._quit,
        }

    def command_names(self) -> list[str]:
        """Return what a line may begin with: commands and the server's prompts."""
        return sorted({*self._commands, *(f"/{name}" for name in self._prompts)})

    def stop(self) -> None:
        """Stop the answer that is being given."""
        if self._answering is not None:
            self._answering.cancel()

    async def run(self) -> None:
        """Read messages and answer them until the end."""
        await self._load_prompts()
        while True:
            for log in self._logs():
                log.renew()
            try:
                line = (await self._terminal.read_message("you> ")).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if line.startswith("/"):
                if await self._command(line):
                    return
            elif line:
                await self._answer(lambda line=line: self._conversation.answer(line, self._terminal.stream))  # type: ignore[misc] # mypy has no type for a default

    async def _command(self, line: str) -> bool:
        """Carry out a command; True ends the chat."""
        name, _, rest = line.partition(" ")
        if name in self._commands:
            return bool(await self._commands[name](rest.strip()))
        prompt = self._prompts.get(name.removeprefix("/"))
        if prompt is None:
            self._terminal.write(f"There is no {name}; /help lists what there is.", "yellow")
        else:
            await self._start_from(*prompt)
        return False

    async def _start_from(self, client: McpClient, prompt: types.Prompt) -> None:
        """Ask for a prompt's arguments, put its messages into the chat and answer."""
        given: dict[str, str] = {}
        try:
            for argument in prompt.arguments or ():
                hint = (argument.description or "text") + ("" if argument.required else ", Enter to skip")
                typed = await self._terminal.read(one_line(f"  {argument.name} ({hint})") + ": ")
                if typed.strip():
                    given[argument.name] = typed.strip()
        except (KeyboardInterrupt, EOFError):
            return

        async def answer() -> None:
            for message in await client.get_prompt(prompt.name, **given):
                self._terminal.write(f"  {message.role.value}: {message.content}", "dim")
                self._conversation.history.add_message(message)
            await self._conversation.go_on(self._terminal.stream)

        await self._answer(answer)

    async def _answer(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run an answer until it ends or Ctrl-C stops it; an error does not end the chat."""
        self._answering = asyncio.ensure_future(work())
        with _interrupts(self.stop):
            await asyncio.wait([self._answering])
        answered, self._answering = self._answering, None
        self._terminal.write("")
        if answered.cancelled():
            self._terminal.write("(stopped)", "yellow")
        elif (error := answered.exception()) is not None:
            self._terminal.write(self._told(error), "red")
        elif self._conversation.ending:
            self._terminal.write(self._conversation.ending, "yellow")

    async def _load_prompts(self) -> None:
        """Get the prompts of all servers. Of two with one name, the second gets its plugin's before it."""
        self._prompts = {}
        for client in self._clients():
            with contextlib.suppress(BridgeError):
                for prompt in await client.list_prompts():
                    taken = prompt.name in self._prompts
                    name = f"{client.plugin.name}-{prompt.name}" if taken else prompt.name
                    self._prompts[name] = client, prompt

    def _clients(self) -> Iterator[McpClient]:
        return (server.client for server in self._servers)

    async def _help(self, _: str) -> None:
        self._terminal.write(HELP)

    async def _list_prompts(self, _: str) -> None:
        await self._load_prompts()
        for name, (_client, prompt) in self._prompts.items():
            self._terminal.write(one_line(f"  /{name}  {prompt.title or prompt.description or ''}"))
        if not self._prompts:
            self._terminal.write("  There are no prompts.")

    async def _list_tools(self, _: str) -> None:
        for client in self._clients():
            self._name(client)
            for function in client.plugin:
                first, _, _ = (function.description or "").partition("\n")
                self._terminal.write(one_line(f"  {function.name}  {first}"))

    async def _list_resources(self, _: str) -> None:
        await self._resources.show()

    def _name(self, client: McpClient) -> None:
        """Show whose lines follow, if there are several servers."""
        if len(self._servers) > 1:
            self._terminal.write(one_line(client.server_name), "bold")

    async def _read_resource(self, address: str) -> None:
        """Put a resource into the chat."""
        if (read := await self._resources.read(address)) is not None:
            self._conversation.history.add_user_message(read)

    def _logs(self) -> Iterator[CommandLines]:
        return (server.lines for server in self._servers if server.lines is not None)

    async def _show_logs(self, _: str) -> None:
        for server in self._servers:
            if server.lines is not None:
                self._name(server.client)
                for line in server.lines.kept or ["It has printed nothing."]:
                    self._terminal.write(f"  {line}", "dim")
        if not any(self._logs()):
            self._terminal.write("  No server is a command of this machine.")

    async def _list_grants(self, _: str = "") -> None:
        grants = sorted(grant for server in self._servers for grant in server.handler.grants)
        for name, tool in grants:
            self._terminal.write(one_line(f"  {tool} ({name})"))
        if not grants:
            self._terminal.write("  Every call is asked about.")

    async def _revoke(self, _: str) -> None:
        for server in self._servers:
            server.handler.grants.clear()
        await self._list_grants()

    async def _new(self, _: str) -> None:
        self._conversation.clear()
        self._terminal.write("A new chat.", "dim")

    async def _forget_me(self, _: str) -> bool:
        for server in self._servers:
            await server.access.sign_out()
        self._terminal.write("You are signed out.", "dim")
        return True

    async def _quit(self, _: str) -> bool:
        return True


@contextlib.contextmanager
def _interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C call `stop` in the event loop instead of ending the program."""
    loop = asyncio.get_running_loop()

    def interrupted(*_: Any) -> None:
        loop.call_soon_threadsafe(stop)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
