"""The client's plugin works for chat completion and for agents, with the model on Azure OpenAI's protocol."""

import re
from collections.abc import Iterator

import pytest
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.open_ai import AzureChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory, FunctionResultContent
from tests.kernel.people import Person
from tests.support.agents import makes_an_agent

from mcpsecurity import McpClient
from mcpsecurity.client import ToolFailedError
from mcpsecurity.elicitation import Accepted, Declined
from mcpsecurity.testing import LocalStack, ServedMcp

QUESTION = "Give me a random number between 5 and 5"


@pytest.fixture(scope="module")
def product(stack: LocalStack) -> Iterator[ServedMcp]:
    """The product's own server, which asks nobody."""
    server = stack.serve(approval="never")
    yield server
    server.stop()


async def test_chat_completion_calls_a_tool_and_answers(
    thinking_kernel: Kernel, stack: LocalStack, product: ServedMcp
) -> None:
    service = thinking_kernel.get_service(type=ChatCompletionClientBase)
    assert isinstance(service, ChatCompletionClientBase)
    settings = AzureChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    history = ChatHistory()
    history.add_user_message(QUESTION)
    async with McpClient(thinking_kernel, product.url, stack.credential(), product.scope):
        answer = await service.get_chat_message_content(history, settings, kernel=thinking_kernel)
    results = [i for m in history.messages for i in m.items if isinstance(i, FunctionResultContent)]
    assert [result.name for result in results] == ["Tools-get_random_number"]
    assert "5" in str(results[0].result)
    assert "5" in str(answer)


@makes_an_agent
async def test_an_agent_calls_a_tool_and_answers(
    thinking_kernel: Kernel, stack: LocalStack, product: ServedMcp
) -> None:
    async with McpClient(thinking_kernel, product.url, stack.credential(), product.scope):
        agent = ChatCompletionAgent(kernel=thinking_kernel, name="Helper")
        response = await agent.get_response(QUESTION)
    assert re.search(r"\b5\b", str(response.content))
    assert stack.cloud.model.requests >= 2


@makes_an_agent
async def test_a_person_who_approved_in_the_client_is_not_asked_by_the_server_again(
    thinking_kernel: Kernel, stack: LocalStack
) -> None:
    server, person = stack.serve(), Person(Accepted())
    async with McpClient(
        thinking_kernel, server.url, stack.credential(), server.scope, ask=person, approve=True
    ) as client:
        await ChatCompletionAgent(kernel=thinking_kernel, name="Helper").get_response(QUESTION)
        assert [asked[0] for asked in person.asked] == ["get_random_number"]
        person.answer = Declined()
        with pytest.raises(ToolFailedError, match="declined"):
            await client.call_tool("get_random_number")
    assert "Approve this call" in person.asked[1][1], (
        "a call that nobody approved is asked about by the server"
    )
    server.stop()


@makes_an_agent
async def test_an_agent_tells_what_a_failing_tool_said(
    thinking_kernel: Kernel, stack: LocalStack, product: ServedMcp
) -> None:
    stack.faults.weather.down = True
    try:
        async with McpClient(thinking_kernel, product.url, stack.credential(), product.scope):
            agent = ChatCompletionAgent(kernel=thinking_kernel, name="Helper")
            response = await agent.get_response("What is the weather in Zurich?")
    finally:
        stack.faults.clear()
    assert "weather" in str(response.content).lower()
    assert "°C" not in str(response.content)
