"""Numbers that are said to differ do, as far as there are enough of them."""

import datetime as dt
import json
from collections.abc import Sequence

import pytest

from mcpsecurity.localcloud.openai.offline import Tool, read_tools, reply_to

TODAY = dt.date(2026, 11, 23)
_NUMBER = {"type": "integer"}
_DRAW = {
    "name": "T-get_random_number",
    "description": "Generate a random integer between min and max.",
    "parameters": {"type": "object", "properties": {"min": _NUMBER, "max": _NUMBER}},
}


def _tools() -> list[Tool]:
    return read_tools({"tools": [{"type": "function", "function": _DRAW}]})


def _talk(prompt: str, drawn: Sequence[int]) -> tuple[list[int], str]:
    """Return how many numbers were drawn each time, and the answer; `drawn` are the numbers."""
    messages: list[dict[str, object]] = [{"role": "user", "content": prompt}]
    left, counts = list(drawn), list[int]()
    for number in range(10):
        reply = reply_to(messages, _tools(), TODAY)
        if not reply.calls:
            return counts, reply.text
        counts.append(len(reply.calls))
        made = [
            {"id": f"{number}-{place}", "function": {"name": call.name, "arguments": json.dumps({})}}
            for place, call in enumerate(reply.calls)
        ]
        messages.append({"role": "assistant", "tool_calls": made})
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": str(left.pop(0))} for call in made
        ]
    raise AssertionError("it draws for ever")


@pytest.mark.parametrize("words", ["different random numbers from 1 to 9", "lottery numbers from 1 to 9"])
def test_a_number_that_came_before_is_drawn_again(words: str) -> None:
    assert _talk(f"3 {words}", [4, 4, 7, 7, 5]) == (
        [3, 1, 1],
        "Your random numbers are **4**, **7** and **5**.",
    )


def test_numbers_that_cannot_differ_end_all_the_same() -> None:
    counts, said = _talk("3 different random numbers from 1 to 1", [1] * 20)
    assert len(counts) <= 5
    assert "**1**" in said


def test_other_numbers_may_come_twice() -> None:
    assert _talk("3 random numbers from 1 to 9", [4, 4, 7])[0] == [3]
