"""Endpoints that people use beside Azure: a call, its result and an answer, as each of them streams it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from semantic_kernel.contents import ChatHistory, FunctionCallContent, FunctionResultContent
from semantic_kernel.exceptions import ServiceResponseException
from tests.kernel.model.conftest import TOOL
from tests.support.partner import ARGUMENTS, SAID, Partner, Refused, chunk, error, plain
from tests.support.partners import PARTNERS
from tests.support.served import on_loopback

from mcpsecurity.kernel import ChatModel, ChatModelSettings
from mcpsecurity.kernel.context.errors import overflow_in
from mcpsecurity.kernel.model import BrokenOffError, ProviderError

_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
SETTINGS = ChatModelSettings(
    tools=[TOOL | {"parameters": _PARAMETERS}], tool_choice="auto", max_output_tokens=99
)


@asynccontextmanager
async def _model(partner: Partner) -> AsyncIterator[ChatModel]:
    partner.asked.clear()
    async with TestServer(partner.app(), host="127.0.0.1") as server:
        url = str(server.make_url("")).rstrip("/") + partner.base
        async with ChatModel.at(url, "m", key="k", azure=partner.azure or None) as model:
            yield model


@pytest.mark.parametrize("partner", PARTNERS, ids=str)
async def test_a_call_its_result_and_a_later_question(partner: Partner) -> None:
    history = ChatHistory()
    async with _model(partner) as model:
        for question in ("How is the weather?", "And now?"):
            history.add_user_message(question)
            called = await model.get_chat_message_content(history, SETTINGS)
            assert called is not None
            (call,) = [item for item in called.items if isinstance(item, FunctionCallContent)]
            assert (call.name, call.parse_arguments()) == ("T-t", ARGUMENTS)
            history.add_message(called)
            result = FunctionResultContent.from_function_call_content_and_result(call, "sun")
            history.add_message(result.to_chat_message_content())
            said = await model.get_chat_message_content(history, SETTINGS)
            assert said is not None
            assert str(said) == SAID
            history.add_message(said)


async def test_text_beside_a_call_goes_back() -> None:
    partner = next(partner for partner in PARTNERS if partner.name == "Ollama")
    history = ChatHistory()
    history.add_user_message("Hello?")
    async with _model(partner) as model:
        called = await model.get_chat_message_content(history, SETTINGS)
        assert called is not None
        called.content = "Let me see."
        history.add_message(called)
        history.add_tool_message("sun", tool_call_id="call_a")
        await model.get_chat_message_content(history, SETTINGS)
    sent = partner.asked[-1]["messages"][1]
    assert (sent["content"], len(sent["tool_calls"])) == ("Let me see.", 1)


async def test_a_stream_in_which_nothing_comes_is_asked_for_as_a_whole_which_tells_why() -> None:
    """llama-cpp-python 0.3.36 refuses more than it reads by an empty stream."""
    text = "This model's maximum context length is 8192 tokens. However, you requested 72024 tokens."
    refused = Refused(400, error(text, param="messages", code="context_length_exceeded"))
    partner = Partner("", lambda _: [], plain, lambda body: Refused(200, "") if body["stream"] else refused)
    history = ChatHistory()
    history.add_user_message("Hello?")
    async with _model(partner) as model:
        with pytest.raises(ServiceResponseException) as raised:
            await model.get_chat_message_content(history, SETTINGS)
    assert overflow_in(raised.value)
    assert ["stream_options" in body for body in partner.asked] == [True, False]


async def test_a_stream_that_breaks_at_once_is_asked_for_as_a_whole_and_a_later_break_is_one() -> None:
    """MLflow 3.18.0's gateway breaks a stream off when the model behind it refuses."""
    asked: list[bool] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        asked.append(body["stream"])
        if not body["stream"]:
            return web.json_response({"detail": "request exceeds the available context size"}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if len(body["messages"]) > 1:
            await response.write(f"data: {json.dumps(chunk({'content': 'It'}))}\n\n".encode())
        assert request.transport is not None
        request.transport.close()
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    history = ChatHistory()
    async with on_loopback(app, "/v1") as url, ChatModel.at(url, "m") as model:
        history.add_user_message("Hello?")
        with pytest.raises(ServiceResponseException) as raised:
            await model.get_chat_message_content(history, SETTINGS)
        assert overflow_in(raised.value)
        history.add_user_message("Hello?")
        with pytest.raises(ServiceResponseException) as raised:
            await model.get_chat_message_content(history, SETTINGS)
        assert isinstance(raised.value.__cause__, BrokenOffError)
    assert asked == [True, False, True]


async def test_an_endpoint_that_says_nothing_is_asked_twice_and_not_for_ever() -> None:
    partner = Partner("", lambda _: [], plain, lambda _: Refused(200, ""))
    history = ChatHistory()
    history.add_user_message("Hello?")
    async with _model(partner) as model:
        said = await model.get_chat_message_content(history, SETTINGS)
    assert said is not None
    assert (str(said), len(partner.asked)) == ("", 2)


async def test_an_error_within_an_answer_keeps_the_headers_that_name_its_request() -> None:
    later = {
        "error": {"code": 502, "message": "Provider returned error"}
    }  # openrouter.ai/docs/api/reference/errors
    partner = Partner("OpenRouter", lambda _: [chunk({"content": "It"}), chunk({}, "error") | later], plain)
    partner.headers["X-Request-Id"] = "abc"
    history = ChatHistory()
    history.add_user_message("Hello?")
    async with _model(partner) as model:
        with pytest.raises(ServiceResponseException) as raised:
            await model.get_chat_message_content(history, SETTINGS)
    cause = raised.value.__cause__
    assert isinstance(cause, ProviderError)
    assert (cause.body, cause.headers["x-request-id"]) == (later["error"], "abc")
