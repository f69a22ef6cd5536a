"""The limit of an answer and an effort have the names that a deployment knows, or are left out."""

from typing import Any

import pytest
from tests.kernel.model.conftest import TOOL, Endpoint, Made, Refusal, asked_whole, delta, ended

from mcpsecurity.kernel import ChatModelSettings

SETTINGS = ChatModelSettings(max_output_tokens=500)


async def test_the_limit_of_an_answer_has_the_name_that_the_server_knows(
    endpoint: Endpoint, model_at: Made
) -> None:
    for azure, first, other in (
        (True, "max_completion_tokens", "max_tokens"),
        (False, "max_tokens", "max_completion_tokens"),
    ):
        model = model_at("/openai/v1", azure=azure, api="chat")
        endpoint.answers.append(Refusal(400, f"Unrecognized argument: {first}. Use '{other}' instead."))
        await asked_whole(model, SETTINGS)
        await asked_whole(model, SETTINGS)
        limits = [{name: n for name, n in body.items() if "max" in name} for body in endpoint.bodies[-3:]]
        assert limits == [{first: 500}, {other: 500}, {other: 500}]


@pytest.mark.parametrize(("written", "finish"), [(20, "length"), (19, "stop")])
async def test_an_answer_of_as_many_tokens_as_it_may_have_was_cut_off(
    endpoint: Endpoint, model_at: Made, written: int, finish: str
) -> None:
    """llama.cpp says `completed` of it."""
    endpoint.answers.append([delta("Once"), ended(usage={"input_tokens": 9, "output_tokens": written})])
    answer = await asked_whole(model_at(), ChatModelSettings(max_output_tokens=20))
    assert answer.metadata["finish_reason"] == finish


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    "words",
    [
        "max_tokens=5000 cannot be greater than max_model_len=2048. Please request fewer.",  # vLLM 0.32.0
        "max_tokens is too large: 20000. This model supports at most 16384 completion tokens",  # OpenAI
        "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens",  # Anthropic
        "`max_tokens` must be less than or equal to `8192`",  # Groq
    ],
)
async def test_a_limit_of_answers_that_is_above_the_models_own_is_left_out(
    endpoint: Endpoint, model_at: Made, words: str, api: str
) -> None:
    model = model_at("/v1", azure=False, api=api)
    limit = "max_tokens" if api == "chat" else "max_output_tokens"
    endpoint.answers.append(Refusal(400, words.replace("max_tokens", limit), limit))
    await asked_whole(model, SETTINGS)
    await asked_whole(model, SETTINGS)
    assert [limit in body for body in endpoint.bodies] == [True, False, False]


@pytest.mark.parametrize(
    "words",
    [
        "Model grok-4 does not support parameter reasoningEffort.",  # BerriAI/litellm#16265
        'think value "low" is not supported for this model',  # ollama/ollama#12561
        "Thinking level is not supported for this model.",  # Gemini: RooCodeInc/Roo-Code#10700
        '"llama3.2" does not support thinking',  # Ollama, server/routes.go
        "Unsupported value: 'reasoning_effort' does not support 'low' with this model.",
        "{'loc': 'body.reasoning_effort', 'msg': 'Input should be true'}",  # vLLM 0.32.0
    ],
)
async def test_an_effort_that_is_refused_in_other_words_is_left_out(
    endpoint: Endpoint, model_at: Made, words: str
) -> None:
    endpoint.answers.append(Refusal(400, words))
    await asked_whole(model_at("/v1", azure=False), ChatModelSettings(reasoning_effort="low"))
    assert ["reasoning_effort" in body for body in endpoint.bodies] == [True, False]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_an_effort_that_a_deployment_does_not_know_becomes_the_nearest_that_its_refusal_lists(
    endpoint: Endpoint, model_at: Made, api: str
) -> None:
    def efforts() -> list[Any]:
        return [
            body.get("reasoning_effort", body.get("reasoning", {}).get("effort")) for body in endpoint.bodies
        ]

    model, param = (
        model_at("/v1", azure=False, api=api),
        "reasoning_effort" if api == "chat" else "reasoning.effort",
    )
    words = "Unsupported value: 'xhigh' is not supported. Supported values are: 'low', 'medium', and 'high'."
    endpoint.answers += [Refusal(400, words, param), Refusal(400, "effort must be one of low, medium", param)]
    for effort in ("xhigh", "xhigh", "high", "low"):
        await asked_whole(model, ChatModelSettings(reasoning_effort=effort, reasoning_summary="auto"))
    assert efforts() == ["xhigh", "high", "medium", "medium", "medium", "low"]
    assert all(body["reasoning"]["summary"] == "auto" for body in endpoint.bodies if api == "responses")


async def test_an_effort_is_left_out_when_the_nearest_is_refused_too(
    endpoint: Endpoint, model_at: Made
) -> None:
    words = "reasoning_effort must be one of low, medium; anything else is not supported"
    endpoint.answers += [Refusal(400, words), Refusal(400, "reasoning_effort is not supported")]
    await asked_whole(model_at("/v1", azure=False), ChatModelSettings(reasoning_effort="high"))
    assert [body.get("reasoning_effort") for body in endpoint.bodies] == ["high", "medium", None]


@pytest.mark.parametrize(
    "words",
    [  # Anthropic: BerriAI/litellm#33203, theopenco/llmgateway#3108
        "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.",
        "`temperature` must be greater than or equal to 0.95 or unset when thinking is enabled.",
    ],
)
async def test_a_temperature_that_a_thinking_model_refuses_is_left_out(
    endpoint: Endpoint, model_at: Made, words: str
) -> None:
    endpoint.answers.append(Refusal(400, words))
    await asked_whole(model_at("/v1", azure=False), ChatModelSettings(temperature=0.5))
    assert ["temperature" in body for body in endpoint.bodies] == [True, False]


async def test_a_choice_of_tools_that_is_refused_for_its_form_is_left_out(
    endpoint: Endpoint, model_at: Made
) -> None:
    """As lm-proxy 3.3.2 refuses it."""
    words = (
        '[{"type": "dict_type", "loc": ["body", "tool_choice"], "msg": "Input should be a valid dictionary"}]'
    )
    endpoint.answers.append(Refusal(422, words))
    await asked_whole(model_at("/v1", azure=False), ChatModelSettings(tools=[TOOL], tool_choice="auto"))
    assert ["tool_choice" in body for body in endpoint.bodies] == [True, False]
