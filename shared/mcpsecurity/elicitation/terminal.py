"""Asks people line by line: one typed answer for each field, then a look at the whole before it is sent."""

import asyncio
import re
import webbrowser
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mcp import types

from mcpsecurity.elicitation.arguments import argument_errors
from mcpsecurity.elicitation.entry import field_hint, field_label, field_options, read_entry
from mcpsecurity.elicitation.fields import Field, FieldError
from mcpsecurity.elicitation.form import Form, InvalidContentError
from mcpsecurity.elicitation.handler import Accepted, Cancelled, Declined, Outcome
from mcpsecurity.elicitation.url import Visit
from mcpsecurity.runtime.exact_decimals import dumps, loads
from mcpsecurity.runtime.printable import one_line, printable

Read = Callable[[str], Awaitable[str]]
"""Shows a prompt and returns the line that was typed. EOFError means the end of input."""

Edit = Callable[[str, str], Awaitable[str]]
"""Shows a prompt and a text, and returns the text as it was changed."""

Write = Callable[[str], None]

_LETTER = re.compile(r"\[(\w)](\w*)")


class TerminalHandler:
    """An `ElicitationHandler` for anything that can print lines and read them. End of input cancels, and only
    a yes is a yes.

    Args:
        read: shows a prompt and returns the typed line.
        write: shows a line.
        open_url: opens an address that the person agreed to visit.
        edit: lets the person change a text; without it, a new one is typed.
        grants: gets (server, tool) when the person chooses "always"; without it, that is not offered.
    """

    def __init__(
        self,
        read: Read,
        write: Write,
        *,
        open_url: Callable[[str], object] = webbrowser.open,
        edit: Edit | None = None,
        grants: set[tuple[str, str]] | None = None,
    ) -> None:
        self._edit = edit
        self._grants = grants
        self._read = read
        self._write = write
        self._open_url = open_url

    async def fill(self, server: str, message: str, form: Form) -> Outcome:
        """Ask for each field, show all, and send only on a yes."""
        self._write(f"Request from {one_line(server)}: {_quoted(message)}")
        try:
            while True:
                entered = {field.name: await self._field(field) for field in form.fields}
                for field in form.fields:
                    shown = dumps(entered[field.name], ensure_ascii=False)
                    self._write(f"  {one_line(field_label(field))}: {one_line(shown)}")
                answer = await self._choice("Send this? [y]es, [n]o (decline), [c]ancel, [e]dit")
                if answer != "e":
                    return self._sent(form, entered) if answer == "y" else _no(answer)
        except EOFError:
            return Cancelled()

    async def visit(self, server: str, message: str, visit: Visit) -> Outcome:
        """Show the whole address and what to beware of, and open it on a yes."""
        self._write(f"{one_line(server)} asks you to visit a page: {_quoted(message)}")
        self._write(f"  host:    {one_line(visit.host)}")
        self._write(f"  address: {one_line(visit.url)}")
        for warning in visit.warnings:
            self._write(f"  beware:  {one_line(warning)}")
        try:
            answer = await self._choice("Open it? [y]es, [n]o (decline), [c]ancel")
        except EOFError:
            return Cancelled()
        if answer != "y":
            return _no(answer)
        await asyncio.to_thread(self._open_url, visit.url)
        return Accepted()

    async def approve(self, server: str, tool: types.Tool, arguments: Mapping[str, Any]) -> Outcome:
        """Show the call and ask; edited arguments are checked against the tool's schema."""
        current = dict(arguments)
        try:
            while True:
                self._write(f"Tool call {one_line(tool.name)} ({one_line(server)})")
                self._write(f"  {one_line(dumps(current, ensure_ascii=False))}")
                answer = await self._approval()
                if answer == "e":
                    current = await self._edited(tool, current)
                    continue
                if answer == "a" and self._grants is not None:
                    self._grants.add((server, tool.name))
                return Declined() if answer == "n" else Accepted(current)
        except EOFError:
            return Declined()

    async def sampling(self, server: str, messages: Sequence[tuple[str, str]], limit: int) -> bool:
        """Show what a server would ask the model, as (role, text), and tell whether it may.

        `limit` is how many tokens it wants at most.
        """
        self._write(f"{one_line(server)} asks to use your model, for at most {limit} tokens:")
        for role, text in messages:
            self._write(f"  {one_line(role)}: {_quoted(text)}")
        try:
            return await self._choice("Ask the model? [y]es, [n]o") == "y"
        except EOFError:
            return False

    async def _approval(self) -> str:
        if self._grants is None:
            return await self._choice("Approve? [y]es, [n]o, [e]dit")
        return await self._choice("Approve? [y]es, [n]o, [a]lways for this tool, [e]dit")

    async def _edited(self, tool: types.Tool, current: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments that were typed as JSON; the former ones when they do not fit."""
        shown = one_line(dumps(current, ensure_ascii=False))
        if self._edit is not None:
            line = await self._edit("  arguments as JSON: ", shown)
        else:
            line = await self._read("  arguments as JSON (Enter keeps them): ")
        if line.strip() in ("", shown):
            return current
        try:
            edited = loads(line)
        except ValueError:
            self._write("  That is not JSON.")
            return current
        errors = (
            argument_errors(tool.inputSchema, edited) if isinstance(edited, dict) else {"": "Not an object."}
        )
        for name, problem in errors.items():
            self._write(f"  {one_line(name)}: {one_line(problem)}")
        return current if errors else edited

    async def _field(self, field: Field) -> Any:
        if field.description:
            self._write(f"  {_quoted(field.description)}")
        for option in field_options(field):
            self._write(f"    {one_line(option)}")
        prompt = f"  {one_line(field_label(field))} ({one_line(field_hint(field))}): "
        while True:
            try:
                return read_entry(field, await self._read(prompt))
            except FieldError as error:
                self._write(f"  {printable(str(error))}")

    async def _choice(self, prompt: str) -> str:
        """Return the letter of a choice; explain any other letter, and ask again."""
        words: dict[str, str] = {letter: letter + rest for letter, rest in _LETTER.findall(prompt)}
        while True:
            answer = (await self._read(f"{prompt}: ")).strip().lower()
            for letter, word in words.items():
                if answer in (letter, word):
                    return letter
            meant = ", ".join(f"{letter} for {word}" for letter, word in words.items())
            self._write(f"  Please type {meant}.")

    def _sent(self, form: Form, entered: Mapping[str, Any]) -> Outcome:
        try:
            return Accepted(form.validate(entered))
        except InvalidContentError as error:  # a default of the server's that breaks the server's own rules
            for name, problem in error.fields.items():
                self._write(f"  {one_line(name)}: {one_line(problem)}")
            return Cancelled()


def _no(answer: str) -> Outcome:
    return Declined() if answer == "n" else Cancelled()


def _quoted(text: str) -> str:
    """Return text from elsewhere with a mark before each further line, for the same reason."""
    return printable("\n  | ".join(text.splitlines()))
