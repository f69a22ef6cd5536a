"""Runs the callbacks of a call (questions, progress, sign-in) in the context of the notebook cell that calls.

They arrive in the connection's own task. A notebook shows what a task displays under the cell that started
the task: without this, under the one that connected.
"""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

from mcp import ClientSession, types
from mcp.client.session import ElicitationFnT
from mcp.shared.context import RequestContext
from mcp.shared.session import ProgressFnT

T = TypeVar("T")


class CallersContext:
    """The context of the latest call."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()

    def enter(self) -> None:
        """Take the context that runs now for the one that questions belong to."""
        self._context = contextvars.copy_context()

    def progress(self, progress: ProgressFnT | None) -> ProgressFnT | None:
        """Return a callback that runs in the context of the call that is made now."""
        if progress is None:
            return None
        context = contextvars.copy_context()

        heard = progress

        async def here(progress: float, total: float | None, message: str | None) -> None:
            await _run(heard(progress, total, message), context)

        return here

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the outcome of `work`, which runs in the context of the latest call."""
        return await _run(work, self._context)

    def elicitation(self, callback: ElicitationFnT) -> ElicitationFnT:
        """Return a callback that runs in the context of the latest call."""

        async def here(
            context: RequestContext[ClientSession, Any], params: types.ElicitRequestParams
        ) -> types.ElicitResult | types.ErrorData:
            result: types.ElicitResult | types.ErrorData = await _run(
                callback(context, params), self._context
            )
            return result

        return here


async def _run(work: Coroutine[Any, Any, T], context: contextvars.Context) -> T:
    return await asyncio.create_task(work, context=context.copy())
