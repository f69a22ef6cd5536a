"""The endpoint speaks Azure OpenAI's wire format, to Semantic Kernel's own connector and to plain HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from openai import AsyncAzureOpenAI, AuthenticationError, BadRequestError, NotFoundError, RateLimitError
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import AzureChatCompletion, AzureChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory, FunctionCallContent, StreamingChatMessageContent
from semantic_kernel.functions import kernel_function

from mcpsecurity.localcloud.openai import MODEL_NAME, ModelEndpoints, ModelFault, add_openai_routes

KEY = "key-of-this-test"


@pytest.fixture
async def endpoint() -> AsyncIterator[tuple[ModelEndpoints, str]]:
    completions = ModelEndpoints(api_key=KEY, accepts_token=lambda token: token == "good")
    app = web.Application()
    add_openai_routes(app, completions)
    async with TestServer(app) as server:
        yield completions, str(server.make_url("")).rstrip("/")


def client(url: str, **options: Any) -> AsyncAzureOpenAI:
    return AsyncAzureOpenAI(
        azure_endpoint=url, api_version="2024-10-21", max_retries=0, **({"api_key": KEY} | options)
    )


class Dice:
    """A plugin of the kernel."""

    @kernel_function(description="Generate a random number between min and max.")
    def get_random_number(self, min: int = 0, max: int = 100) -> int:  # noqa: A002 - the tool's parameters
        """Return the lowest."""
        return min + 0 * max


async def test_semantic_kernel_calls_a_function_and_tells_its_result(
    endpoint: tuple[ModelEndpoints, str],
) -> None:
    kernel = Kernel()
    kernel.add_plugin(Dice(), "Tools")
    history = ChatHistory()
    history.add_user_message("a random number between 3 and 6")
    settings = AzureChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    async with client(endpoint[1]) as azure:
        service = AzureChatCompletion(deployment_name=MODEL_NAME, async_client=azure)
        answer = await service.get_chat_message_content(history, settings, kernel=kernel)
    assert str(answer) == "Your random number between 3 and 6 is **3**."


async def test_a_streamed_call_comes_in_pieces_with_usage(endpoint: tuple[ModelEndpoints, str]) -> None:
    kernel = Kernel()
    kernel.add_plugin(Dice(), "Tools")
    history = ChatHistory()
    history.add_user_message("two random numbers between 3 and 6")
    settings = AzureChatPromptExecutionSettings(
        function_choice_behavior=FunctionChoiceBehavior.Auto(auto_invoke=False)
    )
    pieces: list[StreamingChatMessageContent] = []
    async with client(endpoint[1]) as azure:
        service = AzureChatCompletion(deployment_name=MODEL_NAME, async_client=azure)
        async for part in service.get_streaming_chat_message_contents(history, settings, kernel=kernel):
            pieces += part
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    calls = [item for item in whole.items if isinstance(item, FunctionCallContent)]
    assert [(c.name, c.arguments) for c in calls] == [("Tools-get_random_number", '{"min": 3, "max": 6}')] * 2
    assert len(pieces) > 6
    assert whole.metadata["usage"].completion_tokens > 0


async def test_text_streams_word_by_word(endpoint: tuple[ModelEndpoints, str]) -> None:
    async with client(endpoint[1]) as azure:
        stream = await azure.chat.completions.create(
            model=MODEL_NAME, messages=[{"role": "user", "content": "Write me a poem"}], stream=True
        )
        words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(words).startswith("I cannot do that")
    assert len(words) > 10


@pytest.mark.parametrize(
    ("options", "model", "kind", "code"),
    [
        ({"api_key": "wrong"}, MODEL_NAME, AuthenticationError, "401"),
        ({}, "other", NotFoundError, "DeploymentNotFound"),
    ],
)
async def test_wrong_keys_and_deployments_are_refused(
    endpoint: tuple[ModelEndpoints, str], options: Any, model: str, kind: Any, code: str
) -> None:
    async with client(endpoint[1], **options) as azure:
        with pytest.raises(kind) as caught:
            await azure.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
    assert caught.value.body["code"] == code


async def test_a_token_is_as_good_as_a_key(endpoint: tuple[ModelEndpoints, str]) -> None:
    async with AsyncAzureOpenAI(
        azure_endpoint=endpoint[1], api_version="2024-10-21", azure_ad_token="good", max_retries=0
    ) as azure:
        answer = await azure.chat.completions.create(
            model=MODEL_NAME, messages=[{"role": "user", "content": "hello"}]
        )
    assert answer.model == MODEL_NAME
    assert answer.choices[0].message.content


async def test_an_unanswered_tool_call_is_refused(endpoint: tuple[ModelEndpoints, str]) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "T-x", "arguments": "{}"}}
    messages: list[Any] = [{"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": "hi"}]
    async with client(endpoint[1]) as azure:
        with pytest.raises(BadRequestError, match="c1"):
            await azure.chat.completions.create(model=MODEL_NAME, messages=messages)


async def test_faults_happen_once_each_and_in_order(endpoint: tuple[ModelEndpoints, str]) -> None:
    completions, url = endpoint
    completions.faults.upcoming.extend([ModelFault.rate_limit(3), ModelFault.content_filter()])
    messages: list[Any] = [{"role": "user", "content": "hi"}]
    async with client(url) as azure:
        with pytest.raises(RateLimitError) as limited:
            await azure.chat.completions.create(model=MODEL_NAME, messages=messages)
        assert limited.value.response.headers["Retry-After"] == "3"
        with pytest.raises(BadRequestError) as filtered:
            await azure.chat.completions.create(model=MODEL_NAME, messages=messages)
        assert filtered.value.code == "content_filter"
        assert (await azure.chat.completions.create(model=MODEL_NAME, messages=messages)).choices
