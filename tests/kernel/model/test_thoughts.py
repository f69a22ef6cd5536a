"""Thoughts that an endpoint writes into the answer are told from it, however its pieces are cut."""

from typing import Any

import pytest

from mcpsecurity.kernel.model import completions
from mcpsecurity.kernel.model.answer import Answer
from mcpsecurity.kernel.model.thoughts import LeadingThought, thought_in_parts


def split(text: str, size: int) -> tuple[str, str]:
    """Return thought and answer of a text that comes in pieces of this size."""
    leading = LeadingThought()
    pieces = [leading.split(text[place : place + size]) for place in range(0, len(text), size)]
    pieces.append(leading.end())
    return "".join(thought for thought, _ in pieces), "".join(answer for _, answer in pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", "\nHm.\n", "Yes."),
        ("\n<thinking>a < b</thinking>Yes.", "a < b", "Yes."),
        ("<reasoning>We</reasoning><reasoning> see.</reasoning>Yes.", "We see.", "Yes."),
        ("<thought>a</thought>", "a", ""),
        ("<think>cut of", "cut of", ""),
        ("<think>cut of</thi", "cut of</thi", ""),
        ("<thin ice>", "", "<thin ice>"),
        ("<thi", "", "<thi"),
        ("  Yes.", "", "  Yes."),
        ("Use <think>x</think> for it.", "", "Use <think>x</think> for it."),
        ("<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
        ("", "", ""),
    ],
)
def test_a_thought_between_tags_is_none_of_the_answer(
    size: int, text: str, thought: str, answer: str
) -> None:
    assert split(text, size) == (thought, answer)


@pytest.mark.parametrize(
    ("content", "thought"),
    [
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, {"text": "b"}], "a"),
        ([{"type": "thinking", "thinking": "a"}], "a"),
        ([{"type": "reasoning", "summary": [{"text": "a", "signature": "s"}, {"text": "b"}]}], "ab"),
        ([{"type": "thinking", "thinking": None}, {"type": "reasoning", "summary": [5, {"text": 5}]}, 7], ""),
        ("<think>", ""),
        (None, ""),
    ],
)
def test_parts_that_are_thoughts_are_found(content: Any, thought: str) -> None:
    assert thought_in_parts(content) == thought


def test_thoughts_between_tags_are_the_summary_of_an_answer() -> None:
    answer = Answer()
    for piece in ("<think>One", " moment.</th", "ink>\n", "It is sunny."):
        completions.read({"choices": [{"delta": {"content": piece}}]}, answer)
    answer.end()
    assert (answer.summary.take(), answer.text.take()) == ("One moment.", "It is sunny.")
