"""Registers tools on a FastMCP server, each inside the same error boundary.

The boundary hides the details of an unexpected failure from the caller, who gets an error id that is also in
the log, and passes the outcome of the call to the audit log.
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
from mcpsecurity_server.transport import CallRefusedError

_log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Toolbox:
    """Registers the tools of a tool module on `mcp`. `elicitor` asks the person."""

    def __init__(self, mcp: FastMCP[None], elicitor: Elicitor) -> None:
        self._mcp = mcp
        self.elicitor = elicitor

    def tool(
        self, *, title: str, idempotent: bool = False, open_world: bool = False
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """Register a read-only tool under its function's name, with its docstring as the description.

        `open_world`: it calls a service outside this server; `idempotent`: same arguments, same result.
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
        except (ToolError, CallRefusedError):
            raise
        except Exception as error:
            error_id = secrets.token_hex(6)
            _log.error("tool %s failed, error id %s: %s", name, error_id, without_values(error))
            note_outcome("failed")
            raise ToolError(f"{name} failed unexpectedly; error id {error_id}.") from error

    return guarded


def _description(function: Callable[..., object]) -> str:
    """Return the docstring with one line for each paragraph."""
    paragraphs = (function.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
