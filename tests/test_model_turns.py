"""Messages are put in turn without losing a word."""

from typing import Any

import pytest

from mcpsecurity.model_turns import in_turn


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


CALLS = [{"id": "1"}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:"}}


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ([said("user", "a"), said("user", "b")], [said("user", "a\n\nb")]),
        (
            [said("user", "a"), said("user", [PICTURE])],
            [said("user", [{"type": "text", "text": "a"}, PICTURE])],
        ),
        ([said("user", "a"), said("user", "")], [said("user", "a")]),
        (
            [said("assistant", "a"), said("assistant", "b", tool_calls=CALLS)],
            [said("assistant", "a\n\nb", tool_calls=CALLS)],
        ),
        (
            [said("assistant", "a", tool_calls=CALLS), said("tool", "x", tool_call_id="1")],
            [said("assistant", "a", tool_calls=CALLS), said("tool", "x", tool_call_id="1")],
        ),
        (
            [said("tool", "x", tool_call_id="1"), said("tool", "y", tool_call_id="2")],
            [said("tool", "x", tool_call_id="1"), said("tool", "y", tool_call_id="2")],
        ),
        ([said("user", "a"), said("developer", "b")], [said("developer", "b"), said("user", "a")]),
        ([], []),
    ],
)
def test_messages_come_in_turn(given: list[dict[str, Any]], ordered: list[dict[str, Any]]) -> None:
    assert in_turn(given) == ordered
    assert in_turn(ordered) == ordered


def test_the_model_has_its_say_between_a_result_and_the_person() -> None:
    roles = [m["role"] for m in in_turn([said("tool", "x", tool_call_id="1"), said("user", "a")])]
    assert roles == ["tool", "assistant", "user"]
