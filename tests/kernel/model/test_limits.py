"""The limit of an answer and an effort have the names that a deployment knows, or are left out."""

import pytest
from tests.kernel.model.conftest import TOOL, Endpoint, Made, Refusal, asked_whole

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
        '"llama3.2" does not support thinking',  # Ollama, server/routes.go
        "Unsupported value: 'reasoning_effort' does not support 'low' with this model.",
    ],
)
async def test_an_effort_that_is_refused_in_other_words_is_left_out(
    endpoint: Endpoint, model_at: Made, words: str
) -> None:
    endpoint.answers.append(Refusal(400, words))
    await asked_whole(model_at("/v1", azure=False), ChatModelSettings(reasoning_effort="low"))
    assert ["reasoning_effort" in body for body in endpoint.bodies] == [True, False]


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
