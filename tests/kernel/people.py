"""People whom a client asks."""

# ruff: noqa: ARG002 - doubles keep the signatures of what they stand for

from typing import Any

from mcp import types

from mcpsecurity.elicitation import Form, Outcome, Visit


class Person:
    """Answers as told, and keeps what was asked."""

    def __init__(self, answer: Outcome) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def fill(self, server: str, message: str, form: Form) -> Outcome:
        self.asked.append((server, message))
        return self.answer

    async def visit(self, server: str, message: str, visit: Visit) -> Outcome:
        raise AssertionError

    async def approve(self, server: str, tool: types.Tool, arguments: Any) -> Outcome:
        self.asked.append((tool.name, str(dict(arguments))))
        return self.answer
