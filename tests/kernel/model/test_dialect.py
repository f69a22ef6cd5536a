"""A refusal that says how a deployment wants to be asked is followed once, and remembered."""

import asyncio
from typing import Any

import pytest
from semantic_kernel.contents import ChatHistory, FunctionCallContent, FunctionResultContent
from semantic_kernel.exceptions import ServiceResponseException
from tests.kernel.model.conftest import TOOL, Endpoint, Made, Refusal, asked_whole, chunk

from mcpsecurity.kernel import ChatModelSettings

NO_TOOLS = Refusal(
    400,
    "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use "
    "function tools, use /v1/responses or set reasoning_effort to 'none'.",
    "reasoning_effort",
)
NOT_FOUND = Refusal(404, "Resource not found", code="404")
V1, RESPONSES = "/openai/v1/chat/completions", "/openai/v1/responses"
DATED = "/openai/deployments/m/chat/completions"
SETTINGS = ChatModelSettings(tools=[TOOL], tool_choice="auto", max_output_tokens=500, temperature=0.5)


def unsupported(name: str) -> Refusal:
    return Refusal(400, f"Unsupported parameter: '{name}' is not supported with this model.", name)


async def test_tools_that_chat_completions_refuses_go_to_responses_from_then_on(
    endpoint: Endpoint, model_at: Made
) -> None:
    model = model_at(api_version="2024-12-01-preview")
    endpoint.answers.append(NO_TOOLS)
    assert str(await asked_whole(model, SETTINGS)) == "Done."
    await asked_whole(model, SETTINGS)
    assert endpoint.paths == [DATED, RESPONSES, RESPONSES]
    assert model.api == "responses"


async def test_a_missing_responses_api_is_not_asked_again(endpoint: Endpoint, model_at: Made) -> None:
    model = model_at()
    endpoint.answers.append(NOT_FOUND)
    assert str(await asked_whole(model, SETTINGS)) == "Done."
    await asked_whole(model)
    assert endpoint.paths == [RESPONSES, V1, V1]


@pytest.mark.parametrize(
    "message",
    [
        "This model is not supported by the Responses API.",
        "The responses operation does not work with the specified model, kimi. Please choose different model",
        "The requested operation is unsupported.",
    ],
)
async def test_a_model_of_foundry_that_has_no_responses_is_asked_by_chat_completions(
    endpoint: Endpoint, model_at: Made, message: str
) -> None:
    model = model_at()
    endpoint.answers.append(Refusal(400, message, code="OperationNotSupported"))
    assert str(await asked_whole(model)) == "Done."
    await asked_whole(model)
    assert endpoint.paths == [RESPONSES, V1, V1]


async def test_a_model_that_has_responses_only_is_asked_by_it(endpoint: Endpoint, model_at: Made) -> None:
    model = model_at("/v1", azure=False)
    message = "The chatCompletion operation does not work with the specified model, gpt-5.1-codex."
    endpoint.answers.append(Refusal(400, message, code="OperationNotSupported"))
    assert str(await asked_whole(model)) == "Done."
    assert endpoint.paths == ["/v1/chat/completions", "/v1/responses"]


async def test_bedrocks_gpt_is_asked_by_responses(endpoint: Endpoint, model_at: Made) -> None:
    """enricoros/big-AGI#1167"""
    model = model_at("/openai/v1", azure=False)
    words = "The model 'openai.gpt-5.6-terra' does not support the '/v1/chat/completions' API"
    endpoint.answers.append(Refusal(400, words))
    assert str(await asked_whole(model)) == "Done."
    assert endpoint.paths == [V1, RESPONSES]


@pytest.mark.parametrize(
    "message",
    [
        "`temperature` is deprecated for this model.",
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    ],
)
async def test_claude_gets_no_temperature_that_it_refuses(
    endpoint: Endpoint, model_at: Made, message: str
) -> None:
    endpoint.answers.append(Refusal(400, message, code="invalid_request_error"))
    await asked_whole(model_at("/v1", azure=False), ChatModelSettings(temperature=0.5, top_p=0.5))
    assert [("temperature" in body, "top_p" in body) for body in endpoint.bodies] == [
        (True, True), (False, True),
    ]  # fmt: skip


async def test_what_came_in_a_message_and_is_not_taken_back_is_left_out(
    endpoint: Endpoint, model_at: Made
) -> None:
    model, history = model_at("/v1", azure=False), ChatHistory()
    history.add_user_message("Hello?")
    marked = {"id": "a", "function": {"name": "T-t", "arguments": "{}"}, "extra_content": {"x": 1}}
    details = [{"type": "reasoning.text", "text": "Hm."}]
    first = chunk("tool_calls", tool_calls=[marked], reasoning_details=details)
    refusal = Refusal(400, '{"message":"messages.1.reasoning_details: Extra inputs are not permitted"}')
    endpoint.answers += [[first, "[DONE]"], refusal]
    called = await model.get_chat_message_content(history, SETTINGS)
    assert called is not None
    history.add_message(called)
    history.add_tool_message("sun", tool_call_id="a")
    assert str(await model.get_chat_message_content(history, SETTINGS)) == "Done."
    sent = [body["messages"][1] for body in endpoint.bodies[1:]]
    assert [message.get("reasoning_details") for message in sent] == [details, None]
    assert [message["tool_calls"][0].get("extra_content") for message in sent] == [{"x": 1}, {"x": 1}]


async def test_a_deployment_that_does_not_exist_is_not_looked_for_elsewhere(
    endpoint: Endpoint, model_at: Made
) -> None:
    model = model_at()
    endpoint.answers.append(Refusal(404, "The API deployment does not exist.", code="DeploymentNotFound"))
    with pytest.raises(ServiceResponseException):
        await asked_whole(model)
    await asked_whole(model)
    assert endpoint.paths == [RESPONSES, RESPONSES]


async def test_two_apis_that_each_name_the_other_are_an_error(endpoint: Endpoint, model_at: Made) -> None:
    other = Refusal(400, "This model is only supported in /v1/chat/completions.")
    endpoint.answers += [other, Refusal(400, "This model is only supported in /v1/responses.")]
    with pytest.raises(ServiceResponseException):
        await asked_whole(model_at())
    assert endpoint.paths == [RESPONSES, V1]


async def test_a_fixed_chat_api_takes_tools_without_effort(endpoint: Endpoint, model_at: Made) -> None:
    model = model_at(api="chat")
    endpoint.answers.append(NO_TOOLS)
    await asked_whole(model, SETTINGS)
    await asked_whole(model, SETTINGS)
    await asked_whole(model)
    assert endpoint.paths == [V1] * 4
    assert [body.get("reasoning_effort") for body in endpoint.bodies] == [None, "none", "none", None]


async def test_a_fixed_chat_api_that_refuses_that_as_well_is_an_error(
    endpoint: Endpoint, model_at: Made
) -> None:
    endpoint.answers += [NO_TOOLS, NO_TOOLS]
    with pytest.raises(ServiceResponseException) as raised:
        await asked_whole(model_at(api="chat"), SETTINGS)
    assert "use /v1/responses" in str(raised.value.__cause__)


async def test_a_fixed_responses_api_is_not_left(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append(NOT_FOUND)
    with pytest.raises(ServiceResponseException):
        await asked_whole(model_at(api="responses"))
    assert endpoint.paths == [RESPONSES]


@pytest.mark.parametrize(
    "message",
    [
        "Model o3-mini is enabled only for api versions 2024-12-01-preview and later",
        "API version not supported",
    ],
)
async def test_a_dated_version_that_is_too_old_gives_way_to_v1(
    endpoint: Endpoint, model_at: Made, message: str
) -> None:
    model = model_at(api_version="2024-10-21")
    endpoint.answers.append(Refusal(400, message, code="BadRequest"))
    await asked_whole(model)
    await asked_whole(model)
    assert endpoint.paths == [DATED, V1, V1]
    assert endpoint.asked[0].query == {"api-version": "2024-10-21"}
    assert endpoint.asked[1].query == {}


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("name", ["temperature", "top_p", "parallel_tool_calls", "user"])
async def test_a_parameter_that_is_refused_is_left_out_from_then_on(
    endpoint: Endpoint, model_at: Made, api: str, name: str
) -> None:
    values: dict[str, Any] = {"temperature": 0.5, "top_p": 0.5, "parallel_tool_calls": True, "user": "u"}
    model, settings = model_at(api=api), ChatModelSettings(**values)
    endpoint.answers.append(unsupported(name))
    await asked_whole(model, settings)
    await asked_whole(model, settings)
    assert [name in body for body in endpoint.bodies] == [True, False, False]
    assert all(values.keys() - {name} <= body.keys() for body in endpoint.bodies)


async def test_what_servers_that_name_no_parameter_refuse_is_found_in_their_words(
    endpoint: Endpoint, model_at: Made
) -> None:
    model = model_at("/v1", azure=False)
    endpoint.answers += [
        Refusal(422, "Extra inputs are not permitted: stream_options"),
        Refusal(400, "reasoning_effort: unknown field"),
    ]
    await asked_whole(model, ChatModelSettings(reasoning_effort="low"))
    last = endpoint.bodies[-1]
    assert ("stream_options" in last, "reasoning_effort" in last, "messages" in last) == (False, False, True)


async def test_reasoning_and_include_are_left_out_for_models_that_do_not_reason(
    endpoint: Endpoint, model_at: Made
) -> None:
    model, settings = model_at(), ChatModelSettings(reasoning_effort="low", reasoning_summary="auto")
    endpoint.answers += [
        unsupported("reasoning.effort"),
        Refusal(
            400, "Your organization must be verified to generate reasoning.summary.", "reasoning.summary"
        ),
        Refusal(400, "Encrypted content is not supported with this model.", "include"),
    ]
    await asked_whole(model, settings)
    assert [sorted(body.get("reasoning", {})) for body in endpoint.bodies] == [
        ["effort", "summary"], ["summary"], [], [],
    ]  # fmt: skip
    assert ["include" in body for body in endpoint.bodies] == [True, True, True, False]


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(400, "maximum context length is 8192 tokens", "messages", "too_long"),
        Refusal(
            400,
            "'max_completion_tokens' is too large: 500. This model's maximum context length is 2048 tokens "
            "and your request has 1900 input tokens",
        ),
        Refusal(500, "image input is not supported - hint: if this is unexpected, provide the mmproj"),
        Refusal(401, "Unsupported parameter: temperature"),
        Refusal(429, "Too many requests"),
        Refusal(400, "Invalid type for 'messages'"),
    ],
)  # fmt: skip
async def test_every_other_refusal_is_an_error_at_once(
    endpoint: Endpoint, model_at: Made, refusal: Refusal
) -> None:
    endpoint.answers.append(refusal)
    with pytest.raises(ServiceResponseException) as raised:
        await asked_whole(model_at(), SETTINGS)
    assert refusal.message in str(raised.value.__cause__)
    assert len(endpoint.asked) == 1


@pytest.mark.slow
async def test_a_passing_fault_is_tried_once_more_and_not_twice(endpoint: Endpoint, model_at: Made) -> None:
    model = model_at()
    endpoint.answers.append(Refusal(503, "busy"))
    assert str(await asked_whole(model)) == "Done."
    endpoint.answers += [Refusal(500, "busy"), Refusal(502, "busy")]
    with pytest.raises(ServiceResponseException):
        await asked_whole(model)
    assert len(endpoint.asked) == 4


async def test_requests_at_the_same_time_all_follow_one_refusal(endpoint: Endpoint, model_at: Made) -> None:
    model = model_at(api="chat")
    endpoint.refuses = lambda body: unsupported("temperature") if "temperature" in body else None
    answers = await asyncio.gather(*(asked_whole(model, SETTINGS) for _ in range(3)))
    assert [str(answer) for answer in answers] == ["Done."] * 3
    assert sum("temperature" in body for body in endpoint.bodies) > 1, "they were under way together"


IN_TURN = "conversation roles must alternate user and assistant roles except for tool calls and results"
TEMPLATE = f"Error: Jinja Exception: After the optional system message, {IN_TURN}."  # ggml-org/llama.cpp
AFTER_TOOL = "Unexpected role 'user' after role 'tool'"  # Mistral, avante-corp/avante.nvim#2562
AT_BEGINNING = "Jinja Exception: System message must be at the beginning."  # ggml-org/llama.cpp#27367


def out_of_turn(body: dict[str, Any]) -> str | None:
    """Return what a strict template says of messages; None if they are in turn."""
    before = ""
    for place, message in enumerate(body["messages"]):
        role = message["role"]
        if role == "system" and place > 0:
            return AT_BEGINNING
        if (before, role) == ("tool", "user"):
            return AFTER_TOOL
        if role == before != "tool":
            return TEMPLATE
        before = role
    return None


def stopped() -> ChatHistory:
    """Return a conversation whose answers were stopped, one of them after a call."""
    history = ChatHistory(system_message="Be brief.")
    history.add_user_message("Hello?")
    history.add_user_message("Are you there?")
    call = FunctionCallContent(id="a" * 9, name="T-t", arguments="{}")
    history.add_assistant_message([call])
    result = FunctionResultContent.from_function_call_content_and_result(call, "sun")
    history.add_message(result.to_chat_message_content())
    history.add_system_message("Be polite.")
    history.add_user_message("And?")
    return history


@pytest.mark.parametrize("status", [400, 500, 200])
async def test_an_endpoint_that_wants_person_and_model_in_turn_gets_them(
    endpoint: Endpoint, model_at: Made, status: int
) -> None:
    """With 200 the refusal is an event, as LM Studio sends it."""

    def refuse(body: dict[str, Any]) -> Refusal | list[Any] | None:
        if (said := out_of_turn(body)) is None:
            return None
        return [{"error": {"message": said}}] if status == 200 else Refusal(status, said)

    endpoint.refuses = refuse
    model = model_at("/v1", azure=False)
    for _ in range(2):
        answer = await model.get_chat_message_content(stopped(), ChatModelSettings())
        assert str(answer) == "Done."
    assert [out_of_turn(body) for body in endpoint.bodies[-2:]] == [None, None]
    sent = endpoint.bodies[-1]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert [sent[place]["content"] for place in (0, 1, 5)] == [
        "Be brief.\n\nBe polite.",
        "Hello?\n\nAre you there?",
        "And?",
    ]


async def test_messages_stay_as_they_are_where_nothing_is_said_against_them(
    endpoint: Endpoint, model_at: Made
) -> None:
    await model_at("/v1", azure=False).get_chat_message_content(stopped(), ChatModelSettings())
    assert [m["role"] for m in endpoint.bodies[0]["messages"]][-2:] == ["system", "user"]


ODD_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": ["string", "null"], "pattern": "a+", "description": "Whose?"}},
    "required": ["name"],
    "additionalProperties": False,
}
PLAIN_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "description": "Whose?"}},
    "required": ["name"],
}


@pytest.mark.parametrize(
    "message",
    [
        # zed-industries/zed#44875
        "Invalid JSON payload received. Unknown name 'const' at 'tools[0].function_declarations[0]'",
        "Invalid schema for function 'T-t': 'a' is not valid",
        # containers/kubernetes-mcp-server#758
        "JSON schema conversion failed:\nPattern must start with '^' and end with '$'",
        # ggml-org/llama.cpp#25895
        "Failed to initialize samplers: failed to parse grammar",
        # vllm-project/vllm#16880
        "The provided JSON schema contains features not supported by xgrammar.",
        # aliargun/mcp-server-gemini#8
        "tools.80.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
    ],
)
@pytest.mark.parametrize("status", [400, 200])
async def test_schemas_that_are_refused_are_made_plain(
    endpoint: Endpoint, model_at: Made, message: str, status: int
) -> None:
    def refuse(body: dict[str, Any]) -> Refusal | list[Any] | None:
        if "additionalProperties" not in body["tools"][0]["function"]["parameters"]:
            return None
        return Refusal(400, message) if status == 400 else [{"error": {"message": message}}]

    endpoint.refuses = refuse
    model = model_at("/v1", azure=False)
    settings = ChatModelSettings(tools=[TOOL | {"parameters": ODD_SCHEMA}], tool_choice="auto")
    for _ in range(2):
        assert str(await asked_whole(model, settings)) == "Done."
    assert len(endpoint.bodies) == 3
    assert [body["tools"][0]["function"]["parameters"] for body in endpoint.bodies] == [
        ODD_SCHEMA,
        PLAIN_SCHEMA,
        PLAIN_SCHEMA,
    ]


async def test_a_schema_that_is_refused_though_it_is_plain_is_not_asked_for_ever(
    endpoint: Endpoint, model_at: Made
) -> None:
    endpoint.refuses = lambda _: Refusal(400, "JSON schema conversion failed")
    with pytest.raises(ServiceResponseException):
        await asked_whole(model_at("/v1", azure=False), SETTINGS)
    assert len(endpoint.bodies) <= 2
