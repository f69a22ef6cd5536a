"""Registers tools on a FastMCP server, each inside the same boundary.

The boundary keeps the details of an unexpected failure from the caller, who gets an error id that the log has
too, and tells the audit log how a call ended.
"""

import functools
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations

from mcpsecurity.runtime.failures import without_values
from mcpsecurity_server.observability.audit import note_outcome
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.errors import OutcomeError, ToolError

__all__ = ["Toolbox"]

_log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Toolbox:
    """What a tool module needs to register its tools. `asker` asks the person."""

    def __init__(self, mcp: FastMCP[None], asker: Elicitor) -> None:
        self._mcp = mcp
        self.asker = asker

    def tool(
        self, *, title: str, idempotent: bool = False, open_world: bool = False
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Register a read-only tool under its function's name, with its docstring as the description.

        `open_world`: it talks to a service outside of this server; `idempotent`: same arguments, same result.
        """
        annotations = ToolAnnotations(
            title=title,
            readOnlyHint=True,
            destructiveHint=False,
            idempotentHint=idempotent,
            openWorldHint=open_world,
        )

        def register(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            guarded = _guard(function)
            self._mcp.add_tool(
                guarded, title=title, annotations=annotations, description=_description(function)
            )
            return guarded

        return register


def _guard(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    name = function.__name__

    @functools.wraps(function)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except OutcomeError as error:
            note_outcome(error.outcome)
            raise
        except ToolError:
            raise
        except Exception as error:
            error_id = secrets.token_hex(6)
            _log.error("tool %s failed, error id %s: %s", name, error_id, without_values(error))
            note_outcome("failed")
            raise ToolError(f"{name} failed unexpectedly; error id {error_id}.") from error

    return guarded


def _description(function: Callable[..., object]) -> str:
    """Return the docstring, unwrapped: one line a paragraph."""
    paragraphs = (function.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
