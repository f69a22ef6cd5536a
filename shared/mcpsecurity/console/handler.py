"""The person at the terminal is asked one thing at a time, and can stop the answer instead."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcp import types

from mcpsecurity.console.terminal import Terminal
from mcpsecurity.elicitation import Accepted, Form, Outcome, TerminalHandler, Visit
from mcpsecurity.runtime.printable import one_line


class ConsoleHandler:
    """An `ElicitationHandler` on a terminal. Calls made side by side are asked about one after the other.

    Args:
        stop: ends the answer that is being given; Ctrl-C does it, and the question counts as not answered.
        turn: held while a question is asked; the handlers of one terminal share it.

    Attributes:
        grants: (server, tool) pairs whose calls are approved without asking, as the person chose.
    """

    def __init__(
        self, terminal: Terminal, stop: Callable[[], None], turn: asyncio.Lock | None = None
    ) -> None:
        self._terminal = terminal
        self._stop = stop
        self._turn = turn or asyncio.Lock()
        self.grants: set[tuple[str, str]] = set()
        self._lines = TerminalHandler(self._read, self._write, grants=self.grants, edit=self._read)

    async def fill(self, server: str, message: str, form: Form) -> Outcome:
        """Ask for each field of a form."""
        async with self._turn:
            return await self._lines.fill(server, message, form)

    async def visit(self, server: str, message: str, visit: Visit) -> Outcome:
        """Show an address, and open it if the person agrees."""
        async with self._turn:
            return await self._lines.visit(server, message, visit)

    async def approve(self, server: str, tool: types.Tool, arguments: Mapping[str, Any]) -> Outcome:
        """Ask before a call, unless this tool of this server has a grant."""
        async with self._turn:
            if (server, tool.name) in self.grants:
                self._write(f"Tool call {one_line(tool.name)} ({one_line(server)}), always approved")
                return Accepted(dict(arguments))
            outcome = await self._lines.approve(server, tool, arguments)
            if isinstance(outcome, Accepted):
                self._write(f"  running {one_line(tool.name)}; Ctrl-C stops it")
            return outcome

    async def sampling(self, server: str, messages: Sequence[tuple[str, str]], limit: int) -> bool:
        """Ask whether a server may use the model."""
        async with self._turn:
            return await self._lines.sampling(server, messages, limit)

    def refused_sampling(self, server: str) -> None:
        """Tell that a server wanted to use the model with too much."""
        self._write(
            f"{one_line(server)} wanted to use your model with more than it reads for one answer: refused."
        )

    def _write(self, text: str) -> None:
        self._terminal.write(text, "cyan")

    async def _read(self, prompt: str, text: str = "") -> str:
        try:
            return await self._terminal.read(prompt, text)
        except KeyboardInterrupt:
            self._stop()
            raise EOFError from None
