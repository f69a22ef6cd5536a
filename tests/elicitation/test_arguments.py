"""Whether edited arguments fit a tool's input schema, also where one depends on another."""

from typing import Any

import pytest

from mcpsecurity.elicitation import argument_errors

DICE = {
    "properties": {"sides": {"enum": [6, 20]}, "roll": {"type": "integer", "minimum": 1}, "unit": {}},
    "if": {"properties": {"sides": {"const": 6}}},
    "then": {"properties": {"roll": {"maximum": 6}}},
    "dependentRequired": {"unit": ["roll"]},
}


@pytest.mark.parametrize(
    ("arguments", "errors"),
    [
        ({"sides": 20, "roll": 7}, {}),
        ({"sides": 6, "roll": 7}, {"roll": "Enter 6 or less."}),
        (
            {"sides": 20, "unit": "pips"},
            {"": "This does not keep the rule dependentRequired of the tool's schema."},
        ),
        ({"sides": 7, "roll": 0}, {"sides": "Choose one of the options.", "roll": "Enter 1 or more."}),
    ],
)
def test_a_pair_that_cannot_be_right_is_found(arguments: dict[str, Any], errors: dict[str, str]) -> None:
    assert argument_errors(DICE, arguments) == errors
