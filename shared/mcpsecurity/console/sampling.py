"""Sampling: a server asks to use the model. The person at the terminal sees what it would say and decides."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from mcp import types
from mcp.client.session import SamplingFnT
from semantic_kernel.exceptions import ServiceException

from mcpsecurity.client.parts import message_text
from mcpsecurity.console.handler import ConsoleHandler
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.kernel.sampling import TOO_LONG, fits, sample

_SECONDS = 300.0
"""After which a request counts as declined."""


def sampling_callback(
    handler: ConsoleHandler, model: BudgetedModel, server: Callable[[], str]
) -> SamplingFnT:
    """Return the callback for an MCP session that asks the person, and then the model.

    A request that is longer than what the model reads for one answer gets an error, and the person a line.

    Args:
        model: that of the conversation.
        server: gives the name of the server that asks.
    """

    async def answer(
        context: Any,  # noqa: ARG001 - the callback's signature
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult | types.ErrorData:
        if not fits(params, model.in_use, model.use):
            handler.refused_sampling(server())
            return TOO_LONG
        shown: list[tuple[str, str]] = [(message.role, message_text(message)) for message in params.messages]
        if params.systemPrompt:
            shown.insert(0, ("system", params.systemPrompt))
        approved = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                approved = await handler.sampling(server(), shown, params.maxTokens)
        if not approved:
            return types.ErrorData(code=-1, message="User rejected sampling request")
        try:
            return await sample(params, model.in_use, model.use)
        except (ServiceException, ClientAuthenticationError):
            return types.ErrorData(code=types.INTERNAL_ERROR, message="The model could not be asked")

    return answer
