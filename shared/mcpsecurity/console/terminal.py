"""The terminal: Rich writes, prompt_toolkit reads."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.text import Text

from mcpsecurity.elicitation.terminal import printable

__all__ = ["Terminal", "TypedTerminal"]


class Terminal(Protocol):
    """Where the chat is shown and typed."""

    def write(self, text: str, style: str = "") -> None:
        """Show a line of text; markup in it is text."""

    def stream(self, piece: str) -> None:
        """Show more of a line."""

    async def read(self, prompt: str) -> str:
        """Return what is typed. KeyboardInterrupt is Ctrl-C, EOFError Ctrl-D or the end of input."""

    async def read_message(self, prompt: str) -> str:
        """Return what is typed, with the history and the completion of commands."""


class TypedTerminal:
    """A real terminal; when input comes from elsewhere, it is read line by line.

    Args:
        commands: gives the names that `/` completes.
    """

    def __init__(self, commands: Callable[[], Sequence[str]] = tuple) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._is_typed = sys.stdin.isatty()
        self._lines: PromptSession[str] | None = None
        self._messages: PromptSession[str] | None = None
        if self._is_typed:
            self._lines = PromptSession(reserve_space_for_menu=0)
            self._messages = PromptSession(
                completer=_Commands(commands), complete_while_typing=True, reserve_space_for_menu=6
            )

    def write(self, text: str, style: str = "") -> None:
        """Show a line of text."""
        self._console.print(Text(printable(text), style=style))

    def stream(self, piece: str) -> None:
        """Show more of a line."""
        self._console.print(Text(printable(piece)), end="")
        with contextlib.suppress(OSError):
            self._console.file.flush()

    async def read(self, prompt: str) -> str:
        """Return a typed line."""
        return await self._read(self._lines, prompt)

    async def read_message(self, prompt: str) -> str:
        """Return a typed message."""
        return await self._read(self._messages, prompt)

    async def _read(self, session: PromptSession[str] | None, prompt: str) -> str:
        if session is None:
            line: str = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                raise EOFError
            return line.rstrip("\n")
        with patch_stdout(raw=True):
            typed: str = await session.prompt_async(printable(prompt), handle_sigint=False)
            return typed


class _Commands(Completer):
    def __init__(self, commands: Callable[[], Sequence[str]]) -> None:
        self._commands = commands

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - prompt_toolkit's signature
    ) -> Iterable[Completion]:
        """Complete the first word when it begins with a slash."""
        typed = document.text_before_cursor
        if typed.startswith("/") and " " not in typed:
            for name in self._commands():
                if name.startswith(typed):
                    yield Completion(name, start_position=-len(typed))
