"""The chat program: messages, commands, and what can go wrong."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from mcp import types
from openai import OpenAIError
from semantic_kernel.exceptions import KernelException

from mcpsecurity.client import BridgeError
from mcpsecurity.console.handler import ConsoleHandler
from mcpsecurity.console.terminal import Terminal
from mcpsecurity.console.turn import Conversation
from mcpsecurity.elicitation.terminal import one_line, printable
from mcpsecurity.kernel import McpClient
from mcpsecurity.kernel.context import TooLongError

HELP = """\
Type a message, or a command:
  /NAME       start from a prompt of the server; /prompts lists them
  /tools      list the tools
  /grants     list the tools that are always approved; /revoke takes that back
  /new        begin a new chat
  /signout    forget who is signed in, and end
  /quit       end (as Ctrl-D does)
Ctrl-C stops an answer."""


class Chat:
    """A conversation at a terminal. `run` returns when the person ends it."""

    def __init__(
        self,
        terminal: Terminal,
        client: McpClient,
        handler: ConsoleHandler,
        conversation: Conversation,
        sign_out: Callable[[], Awaitable[None]],
    ) -> None:
        self._terminal = terminal
        self._client = client
        self._handler = handler
        self._conversation = conversation
        self._sign_out = sign_out
        self._answering: asyncio.Task[None] | None = None
        self._prompts: dict[str, types.Prompt] = {}
        self._commands: dict[str, Callable[[], Awaitable[bool]]] = {
            "/help": self._help,
            "/prompts": self._list_prompts,
            "/tools": self._list_tools,
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
        name = line.split(maxsplit=1)[0]
        if name in self._commands:
            return await self._commands[name]()
        prompt = self._prompts.get(name.removeprefix("/"))
        if prompt is None:
            self._terminal.write(f"There is no {name}; /help lists what there is.", "yellow")
        else:
            await self._start_from(prompt)
        return False

    async def _start_from(self, prompt: types.Prompt) -> None:
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
            for message in await self._client.get_prompt(prompt.name, **given):
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
            self._terminal.write(_told(error), "red")

    async def _load_prompts(self) -> None:
        try:
            self._prompts = {prompt.name: prompt for prompt in await self._client.list_prompts()}
        except BridgeError:
            self._prompts = {}

    async def _help(self) -> bool:
        self._terminal.write(HELP)
        return False

    async def _list_prompts(self) -> bool:
        await self._load_prompts()
        for name, prompt in self._prompts.items():
            self._terminal.write(one_line(f"  /{name}  {prompt.title or prompt.description or ''}"))
        return False

    async def _list_tools(self) -> bool:
        for function in self._client.plugin:
            first, _, _ = (function.description or "").partition("\n")
            self._terminal.write(one_line(f"  {function.name}  {first}"))
        return False

    async def _list_grants(self) -> bool:
        for server, tool in sorted(self._handler.grants):
            self._terminal.write(f"  {tool} ({server})")
        if not self._handler.grants:
            self._terminal.write("  Every call is asked about.")
        return False

    async def _revoke(self) -> bool:
        self._handler.grants.clear()
        return await self._list_grants()

    async def _new(self) -> bool:
        self._conversation.clear()
        self._terminal.write("A new chat.", "dim")
        return False

    async def _forget_me(self) -> bool:
        await self._sign_out()
        self._terminal.write("You are signed out.", "dim")
        return True

    async def _quit(self) -> bool:
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


def _told(error: BaseException) -> str:
    """Return an error for the person: the first cause that says something."""
    found: BaseException = error
    while isinstance(found, KernelException) and found.__cause__ is not None:
        found = found.__cause__
    if isinstance(found, BridgeError | OpenAIError | KernelException | TooLongError):
        return printable(str(found).splitlines()[0])
    return f"That did not work ({type(found).__name__})."
