"""A call that a model wrote as text is told from an answer that speaks of tools."""

import pytest

from mcpsecurity.model_text_calls import writes_call

NAMES = ["Weather-get_forecast", "Tools-now"]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "Tools-now", "arguments": {}}\n</tool_call>',
        'I look.\n<tool_call>{"name": "Tools-now", "arguments": {}}',
        "<function=Tools-now>\n<parameter=x>\n1\n</parameter>\n</function>",
        '[TOOL_CALLS][{"name": "Tools-now", "arguments": {}}]',
        "[TOOL_CALLS]Tools-now[ARGS]{}",
        '<|python_tag|>{"name": "Tools-now", "parameters": {}}',
        "<|python_start|>Tools-now()<|python_end|>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>Tools-now",
        "<|channel|>commentary to=functions.Tools-now <|constrain|>json<|message|>{}",
        '<invoke name="Tools-now"></invoke>',
        "```tool_code\nprint(Tools-now())\n```",
        '{"name": "Tools-now", "parameters": {"x": 1}}',
        '```json\n{\n  "name": "Weather-get_forecast",\n  "arguments": {"city": "Bern"}\n}\n```',
        """{'name': 'Tools-now', 'arguments': '{}'}""",
    ],
)
def test_a_call_that_was_written_as_text_is_seen(text: str) -> None:
    assert writes_call(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is noon.",
        "I can use Tools-now and Weather-get_forecast.",
        "Models write <tool_call> before a call.",
        '{"name": "Ada", "parameters": {"x": 1}}',
        'Tools-now takes {"type": "object"}',
        '{"name": "Tools-now", "description": "The time."}',
    ],
)
def test_an_answer_without_a_call_is_not_taken_for_one(text: str) -> None:
    assert not writes_call(text, NAMES)
    assert not writes_call("<tool_call>x", [""]), "no function is offered"
