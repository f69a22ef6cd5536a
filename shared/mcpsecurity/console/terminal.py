"""The terminal: Rich writes, prompt_toolkit reads."""

import asyncio
import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from markdown_it import MarkdownIt
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from mcpsecurity.runtime.printable import printable


class Terminal(Protocol):
    """Where the chat is shown and typed."""

    def write(self, text: str, style: str = "") -> None:
        """Show a line of text; markup in it is text."""

    def stream(self, piece: str) -> None:
        """Show more of an answer, which is Markdown. A line that is written ends it."""

    async def read(self, prompt: str, text: str = "") -> str:
        """Return the typed line; it begins with `text`.

        KeyboardInterrupt is Ctrl-C, EOFError Ctrl-D or the end of input.
        """

    async def read_message(self, prompt: str) -> str:
        """Return the typed line, with the history and the completion of commands."""


class TypedTerminal:
    """A real terminal; when input comes from elsewhere, it is read line by line.

    Args:
        commands: gives the names that `/` completes.
    """

    def __init__(self, commands: Callable[[], Sequence[str]] = tuple) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._prose = Prose()
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
        if rest := self._prose.rest().strip():
            self._console.print(rendered(rest))
        shown = Text(printable(text), style=style, overflow="fold")
        self._console.print(shown, soft_wrap="://" in text)  # an address that is broken cannot be copied

    def stream(self, piece: str) -> None:
        """Show the blocks of an answer that are complete."""
        for block in self._prose.add(piece):
            self._console.print(rendered(block))
            self._console.print()
        with contextlib.suppress(OSError):
            self._console.file.flush()

    async def read(self, prompt: str, text: str = "") -> str:
        """Return a typed line, beginning with `text`."""
        return await self._read(self._lines, prompt, text)

    async def read_message(self, prompt: str) -> str:
        """Return a typed message."""
        return await self._read(self._messages, prompt)

    async def _read(self, session: PromptSession[str] | None, prompt: str, text: str = "") -> str:
        if session is None:
            return await self._read_line(prompt)
        with patch_stdout(raw=True):
            typed: str = await session.prompt_async(printable(prompt), default=text, handle_sigint=False)
            return typed

    async def _read_line(self, prompt: str) -> str:
        """Read a line that comes from elsewhere, and show question and answer as a terminal would."""
        self._console.print(Text(printable(prompt)), end="")
        line: str = await asyncio.to_thread(sys.stdin.readline)
        self._console.print(Text(printable(line.rstrip("\n"))))
        if not line:
            raise EOFError
        return line.rstrip("\n")


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


_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
"""HTML is text here: what looks like a tag, such as `<name>`, is shown."""


def rendered(text: str) -> Markdown:
    """Return Markdown as Rich shows it. Links show their address; nothing of it controls the terminal."""
    shown = Markdown(printable(text), hyperlinks=False)
    shown.parsed = _PARSER.parse(shown.markup)
    for token in shown.parsed:
        for part in (token, *(token.children or ())):
            part.content = printable(part.content)  # `&#x202e;` has become a character
    return shown


class Prose:
    """Collects pieces of Markdown, and gives the blocks that are complete."""

    def __init__(self) -> None:
        self._text = ""

    def add(self, piece: str) -> Iterator[str]:
        """Take a piece; yield what can be shown: all before the last blank line outside of code."""
        self._text += piece
        end = _end_of_blocks(self._text)
        if end:
            block, self._text = self._text[:end], self._text[end:]
            yield block

    def rest(self) -> str:
        """Return the text that has not been shown, and forget it."""
        rest, self._text = self._text, ""
        return rest


def _end_of_blocks(text: str) -> int:
    """Return where the last complete block ends, or 0 if no block is complete."""
    fence, end, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        if not fence and not line.strip() and line.endswith("\n"):
            end = at
    return end
