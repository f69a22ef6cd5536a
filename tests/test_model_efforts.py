"""The effort that is sent instead of one that a deployment does not know, by its refusal."""

import pytest

from mcpsecurity.model_efforts import nearest_effort


@pytest.mark.parametrize(
    ("sent", "words", "instead"),
    [
        (  # OpenAI and Azure
            "xhigh",
            (
                "Unsupported value: 'reasoning.effort' does not support 'xhigh' with this model. Supported "
                "values are: "
                "'minimal', 'low', 'medium', and 'high'."
            ),
            "high",
        ),
        (  # Kimi: Kilo-Org/cloud#3807
            "none",
            (
                "Unsupported value: 'reasoning_effort' does not support 'none' with this model. Supported "
                "values "
                "are: 'minimal', 'low', 'medium', and 'high'."
            ),
            "minimal",
        ),
        (  # SGLang, vLLM: router-for-me/CLIProxyAPI#1572
            "xhigh",
            (
                "1 validation error: {'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': "
                "\"Input should be 'low', 'medium' or 'high'\", 'input': 'xhigh'}"
            ),
            "high",
        ),
        # router-for-me/CLIProxyAPI#1307
        (
            "xhigh",
            (
                "Validation error for `reasoning_effort`: expected one of `'low' | 'medium' | 'high'`, "
                "received "
                "`'xhigh'`."
            ),
            "high",
        ),
        ("minimal", "`reasoning_effort` must be one of `low`, `medium`, or `high`", "low"),  # Groq
        ("none", "`reasoning_effort` must be one of `low`, `medium`, or `high`", "low"),
        ("low", "`reasoning_effort` must be one of `none` or `default`", None),  # Groq, Qwen
        (  # Ollama, openai/openai.go
            "minimal",
            'invalid reasoning value: \'minimal\' (must be "high", "medium", "low", "max", or "none")',
            "none",
        ),
        (  # Mistral: mistralai/mistral-vibe#1117
            "medium",
            (
                "reasoning_effort 'medium' is not supported for this model, supported values are ['low', "
                "'high', "
                "'max']"
            ),
            "low",
        ),
        # GitHub Copilot: microsoft/vscode#312711
        ("xhigh", 'effort "xhigh" is not supported by model claude; supported values: [medium]', "medium"),
        # nguyenphutrong/quotio#287
        ("max", 'level "max" not supported, valid levels: low, medium, high, xhigh', "xhigh"),
        # ls1intum/edutelligence#749
        (
            "high",
            "Unexpected reasoning effort high. Supported types are xhigh (default), medium, and low.",
            "medium",
        ),
        ("low", "Unsupported value: 'reasoning_effort' does not support 'low' with this model.", None),
        # Gemini: agentjido/req_llm#971, BerriAI/litellm#37314
        (
            "minimal",
            "Thinking level MINIMAL is not supported for this model. Please retry with other.",
            "low",
        ),
        ("none", "Thinking level is unsupported: THINKING_LEVEL_MINIMAL", "minimal"),
        ("medium", "Thinking level MEDIUM is not supported for this model.", "low"),
        ("low", "Thinking level is not supported for this model.", None),
        ("low", '"llama3.2" does not support thinking', None),
        ("low", "Unsupported value: 'temperature' does not support 0.2. Supported values are: high", None),
        ("ultra", "`reasoning_effort` must be one of `low`, `medium`, or `high`", None),
    ],
)
def test_the_nearest_effort_that_a_refusal_lists_is_chosen(
    sent: str, words: str, instead: str | None
) -> None:
    assert nearest_effort(sent, "", words) == instead


def test_the_parameter_that_is_refused_tells_that_the_effort_is_meant() -> None:
    """As OpenAI says it: anomalyco/opencode#4451."""
    words = (
        "Unsupported value: 'minimal' is not supported with the 'gpt-5.1' model. Supported values are: "
        "'none', 'low', 'medium', and 'high'."
    )
    assert nearest_effort("minimal", "", words) is None
    assert nearest_effort("minimal", "reasoning.effort", words) == "none"
    assert nearest_effort("xhigh", "reasoning_effort", words) == "high"


def test_an_effort_that_was_refused_before_is_not_chosen_again() -> None:
    words = "`reasoning_effort` must be one of `low`, `medium`, or `high`"
    assert nearest_effort("xhigh", "", words, frozenset({"high"})) == "medium"
