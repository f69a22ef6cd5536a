"""The scripted model answers as a test lists, by every API, and records what it was asked."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.contents import ChatHistory, FunctionCallContent
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function

from mcpsecurity.kernel.model import ChatModel, ChatModelSettings
from mcpsecurity.localcloud.openai.offline import ToolCall
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.testing import (
    LocalStack,
    ModelFault,
    ScriptedModel,
    calls,
    fails,
    refuses,
    says,
)


class Greeter:
    """A plugin."""

    @kernel_function
    def greet(self, n: int = 1) -> str:
        """Greet."""
        return "Hello" * n


APIS = [("responses", None, "responses"), ("chat", None, "chat"), ("chat", "2024-10-21", "dated")]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(params=APIS, ids=[name for _, _, name in APIS])
async def way(request: pytest.FixtureRequest, stack: LocalStack) -> AsyncIterator[tuple[ChatModel, str]]:
    api, version, name = request.param
    cloud = stack.cloud
    stack.model.clear()
    async with ChatModel.at(
        cloud.openai_endpoint,
        cloud.openai_deployment,
        key=cloud.openai_api_key,
        azure=True,
        api=api,
        api_version=version,
        tls=client_ssl_context(cloud.ca_file),
        proxies=False,
    ) as model:
        yield model, name


@pytest.fixture
def scripted(stack: LocalStack) -> ScriptedModel:
    return stack.model


async def asked(model: ChatModel, text: str = "Good day") -> Any:
    """Return the last message of a streamed answer; its content is the whole text."""
    history, said, last = ChatHistory(), "", None
    history.add_user_message(text)
    kernel = Kernel()
    kernel.add_plugin(Greeter(), "T")
    choice = FunctionChoiceBehavior.Auto(auto_invoke=False)
    settings = ChatModelSettings(function_choice_behavior=choice)
    async for messages in model.get_streaming_chat_message_contents(history, settings, kernel=kernel):
        last = messages[0]
        said += str(last)
    assert last is not None
    return said, last


async def test_answers_are_given_in_order_and_then_the_offline_models(
    way: tuple[ChatModel, str], scripted: ScriptedModel
) -> None:
    model, name = way
    scripted.will(says("Once upon", "length"), calls("T-greet", '{"n":  1}', ToolCall("T-greet", {"n": 2})))
    said, last = await asked(model)
    assert (said, last.metadata["finish_reason"]) == ("Once upon", "length")
    _, last = await asked(model, "Go on")
    made = [item.arguments for item in last.items if isinstance(item, FunctionCallContent)]
    assert made == ['{"n":  1}', '{"n": 2}']
    assert scripted.left == 0
    assert "offline model" in (await asked(model, "hello"))[0]
    assert [(each.api, each.messages[-1]["content"]) for each in scripted.asked] == [
        (name, "Good day"),
        (name, "Go on"),
        (name, "hello"),
    ]
    assert scripted.asked[0].tools[0]["function"]["name"] == "T-greet"


async def test_refusals_and_usage_are_those_of_the_list(
    way: tuple[ChatModel, str], scripted: ScriptedModel
) -> None:
    model, _ = way
    scripted.will(refuses("I will not."), says("Yes.", usage={"prompt_tokens": 7, "completion_tokens": 3}))
    _, last = await asked(model)
    assert last.metadata["refusal"] == "I will not."
    _, last = await asked(model)
    assert (last.metadata["usage"].prompt_tokens, last.metadata["usage"].completion_tokens) == (7, 3)


async def test_faults_delays_and_broken_connections_come_where_they_stand(
    way: tuple[ChatModel, str], scripted: ScriptedModel
) -> None:
    model, _ = way
    scripted.will(fails(ModelFault.rate_limit()), says("a b c d e f", drop_after=4), says("Late.", delay=0.3))
    with pytest.raises(ServiceResponseException) as limited:
        await asked(model)
    assert "429" in str(limited.value.__cause__)
    with pytest.raises(ServiceResponseException):
        await asked(model)
    begun = time.monotonic()
    assert (await asked(model))[0] == "Late."
    assert time.monotonic() - begun >= 0.3


async def test_what_a_model_refuses_takes_nothing_from_the_list(
    stack: LocalStack, scripted: ScriptedModel
) -> None:
    scripted.clear()
    scripted.will(says("Never."))
    async with stack.chat_completion() as model:
        with pytest.raises(ServiceResponseException):
            await asked(model, "x" * 2**21)
    assert (scripted.left, scripted.asked) == (1, [])
