"""Asks the person during a tool call: MCP elicitation in form mode (specification 2025-11-25)."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from mcp.server.fastmcp import Context
from mcp.shared.exceptions import McpError
from pydantic import BaseModel, Field, ValidationError

from mcpsecurity.approval import APPROVED_META
from mcpsecurity_server.settings import ApprovalPolicy
from mcpsecurity_server.tools.errors import CancelledError, DeclinedError, ServiceError

ToolContext = Context[Any, Any, Any]
Form = TypeVar("Form", bound=BaseModel)


class _Approval(BaseModel):
    """Approve or decline the tool call."""

    approve: bool = Field(
        title="Approve this call",
        description="Untick, or choose Decline, to stop the call.",
        json_schema_extra={"default": True},
    )


class Elicitor:
    """Asks for approval, as `policy` says, and for input. A question ends after `deadline` seconds.

    Policies: `when-supported` asks if the client supports it and has not approved the call itself;
    `required`; `never`. `may_answer` tells whether the caller of the current request may answer: an agent may
    not answer in the place of a person.
    """

    def __init__(
        self, policy: ApprovalPolicy, deadline: float, may_answer: Callable[[], bool] = lambda: True
    ) -> None:
        self._policy = policy
        self._deadline = deadline
        self._may_answer = may_answer

    async def approve(self, context: ToolContext, tool: str, action: str) -> None:
        """Return if the person allows `action`, a sentence that contains the arguments of the call.

        Raises:
            DeclinedError, CancelledError: the person did not approve.
            ServiceError: approval is required, and the client cannot ask.
        """
        if self._policy == "never" or (self._policy == "when-supported" and _approved_by_client(context)):
            return
        message = f"{action} Approve this call of {tool}?"
        if not self.can_ask(context):
            if self._policy == "required":
                await self._refuse(context, tool, message)
            return
        answer = await self.ask(context, tool, message, _Approval)
        if not answer.approve:
            raise DeclinedError(tool)

    def can_ask(self, context: ToolContext) -> bool:
        """Tell whether the client supports forms, and a person may answer them."""
        return self._may_answer() and _supports_forms(context)

    async def ask(self, context: ToolContext, tool: str, message: str, form: type[Form]) -> Form:
        """Show `message` and a form for the fields of `form`; return what the person entered.

        Raises:
            DeclinedError, CancelledError: the person did not answer, or not in time.
            ServiceError: the client failed to ask, its answer does not fit the form, or an agent calls.
        """
        if not self._may_answer():
            raise ServiceError(f"{tool} needs the answer of a person, and an agent calls.")
        try:
            async with asyncio.timeout(self._deadline):
                result = await context.elicit(message, form)
        except TimeoutError as error:
            raise CancelledError(tool) from error
        except McpError as error:
            raise ServiceError(
                f"{tool} could not ask the user: the client answered with an error."
            ) from error
        except (ValidationError, ValueError) as error:
            raise ServiceError(f"{tool} could not use the answer: it does not fit the form.") from error
        if result.action == "accept":
            return result.data
        if result.action == "decline":
            raise DeclinedError(tool)
        raise CancelledError(tool)

    async def _refuse(self, context: ToolContext, tool: str, message: str) -> NoReturn:
        """Ask although the client does not support it: the transport knows how its revision answers that."""
        if not self._may_answer():
            raise ServiceError(f"{tool} needs the approval of a person, and an agent calls.")
        text = f"{tool} needs the user's approval, and this client does not support elicitation."
        try:
            await context.elicit(message, _Approval)
        except McpError as error:
            raise ServiceError(text) from error
        raise ServiceError(text)


def _approved_by_client(context: ToolContext) -> bool:
    """Tell whether the client says that the person has approved this call there."""
    meta = context.request_context.meta
    return meta is not None and (meta.model_extra or {}).get(APPROVED_META) is True


def _supports_forms(context: ToolContext) -> bool:
    """Tell whether the client supports form elicitation; an empty declaration means that it does."""
    parameters = context.session.client_params
    elicitation = parameters.capabilities.elicitation if parameters else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
