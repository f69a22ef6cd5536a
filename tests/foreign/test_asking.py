"""Tools that ask: the person answers, or declines, or cannot be asked."""

from typing import Any

import pytest
from mcp import types
from tests.foreign.running import Running
from tests.foreign.views import Person

from mcpsecurity.client import BridgeError, McpConnection, result_text

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300), pytest.mark.needs("asks")]


async def test_the_persons_answer_reaches_the_tool(running: Running) -> None:
    assert running.server.uses.asks is not None
    person = Person()
    async with McpConnection(running.url, elicitation=person.elicits) as connection:
        result = await connection.call_tool(*running.server.uses.asks)
    assert person.asked == ["What is your name?"]
    assert "Hello Ada" in result_text(result)


async def test_a_person_who_declines_ends_it(running: Running) -> None:
    assert running.server.uses.asks is not None
    asked = []

    async def decline(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="decline")

    async with McpConnection(running.url, elicitation=decline) as connection:
        try:
            told = result_text(await connection.call_tool(*running.server.uses.asks))
        except BridgeError as error:
            told = str(error)
    assert asked
    assert "Ada" not in told


async def test_a_client_that_cannot_be_asked_hears_so(running: Running) -> None:
    assert running.server.uses.asks is not None
    async with McpConnection(running.url) as connection:
        try:
            result = await connection.call_tool(*running.server.uses.asks)
        except BridgeError as error:
            told = str(error)
        else:
            assert result.isError
            told = result_text(result)
    assert "elicitation" in told.lower()
