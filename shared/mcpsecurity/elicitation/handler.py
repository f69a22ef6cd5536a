"""Handlers that ask the person, in a notebook or a terminal, and the callback that gives them questions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mcp import ClientSession, types
from mcp.client.session import ElicitationFnT
from mcp.shared.context import RequestContext

from mcpsecurity.elicitation.form import Form, SchemaError, parse_form
from mcpsecurity.elicitation.url import UrlRefusedError, Visit, parse_visit


@dataclass(frozen=True, slots=True)
class Accepted:
    """The person agreed; `content` is what a form was filled with, and never part of a log."""

    content: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """The person said no."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person closed the question, or the server withdrew it."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The person did not answer in time."""


def exact_answer(content: dict[str, Any] | None) -> types.ElicitResult:
    """Return the accepted answer to a form, whose decimals keep their digits.

    The SDK's model, made in the usual way, makes doubles of them; a model of our own would be written with
    numbers for booleans.
    """
    return types.ElicitResult.model_construct(action="accept", content=content)


Outcome = Accepted | Declined | Cancelled | Expired

Result = types.ElicitResult | types.ErrorData


class ElicitationHandler(Protocol):
    """Asks the person, in a notebook or a terminal. `server` is the name of the server that asks."""

    async def fill(self, server: str, message: str, form: Form) -> Outcome:
        """Show a form; `Accepted.content` is validated by it. A form without fields only asks to accept."""

    async def visit(self, server: str, message: str, visit: Visit) -> Outcome:
        """Show an address in full; open it only when the person agrees. Accepted means agreed, not done."""

    async def approve(self, server: str, tool: types.Tool, arguments: Mapping[str, Any]) -> Outcome:
        """Ask before a tool is called; `Accepted.content`, if there is any, replaces the arguments."""


def elicitation_callback(
    handler: ElicitationHandler, server: Callable[[], str], *, deadline: float = 300.0
) -> ElicitationFnT:
    """Return the callback for an MCP session that asks `handler`.

    Args:
        server: gives the name of the server that asks.
        deadline: seconds after which a question counts as not answered: the server hears `cancel`.

    A form or an address that must not be shown to a person is answered with an error (-32602).
    """

    async def answer(
        context: RequestContext[ClientSession, Any],  # noqa: ARG001 - the SDK's signature
        params: types.ElicitRequestParams,
    ) -> Result:
        try:
            question = parse_question(params)
        except (SchemaError, UrlRefusedError) as error:
            return types.ErrorData(code=types.INVALID_PARAMS, message=str(error))
        asked = (
            handler.fill(server(), params.message, question)
            if isinstance(question, Form)
            else handler.visit(server(), params.message, question)
        )
        return elicit_result(await _within(deadline, asked), params)

    return answer


def parse_question(params: types.ElicitRequestParams) -> Form | Visit:
    """Return what a server asks for. Raises `SchemaError` or `UrlRefusedError`: it must not be shown."""
    if isinstance(params, types.ElicitRequestURLParams):
        return parse_visit(params.url)
    return parse_form(params.requestedSchema)


async def _within(seconds: float, question: Awaitable[Outcome]) -> Outcome:
    try:
        async with asyncio.timeout(seconds):
            return await question
    except TimeoutError:
        return Expired()


def elicit_result(outcome: Outcome, params: types.ElicitRequestParams) -> types.ElicitResult:
    """Return what the server hears; an accepted URL carries no content (client/elicitation)."""
    match outcome:
        case Accepted(content=content):
            is_form = isinstance(params, types.ElicitRequestFormParams)
            return exact_answer((content or {}) if is_form else None)
        case Declined():
            return types.ElicitResult(action="decline")
        case Cancelled() | Expired():
            return types.ElicitResult(action="cancel")
