"""JSON is read as RFC 8259 has it and written so that every reader takes it, to the last digit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpsecurity.runtime.strict_json import LongNumberError, read_exactly, write_exactly

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    again = read_exactly(write_exactly(value))
    assert again == value
    assert repr(again) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": float("nan"), "b": [float("-inf")]}, '{"a":null,"b":[null]}'),
        (["\ud800x", "\U0001f600"], '["\ufffdx","\U0001f600"]'),
        ({"b": 2**70, "a": 1}, '{"b":1180591620717411303424,"a":1}'),
    ],
)
def test_values_that_json_does_not_have_are_written_as_valid_json(value: Any, text: str) -> None:
    assert write_exactly(value) == text


def test_members_are_sorted_where_that_is_wanted() -> None:
    assert write_exactly({"b": {"d": 1, "c": 2}, "a": 3}, sort_keys=True) == '{"a":3,"b":{"c":2,"d":1}}'


@pytest.mark.parametrize("digits", [4301, 50_000])
def test_a_number_that_python_does_not_read_is_named(digits: int) -> None:
    with pytest.raises(LongNumberError, match="more than 4300 digits"):
        read_exactly(b"[-" + b"9" * digits + b"]")


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e999", '"\\udc00"', "01", "", "{", b"\xff", b"\xef\xbb\xbf1"]
)
def test_invalid_json_is_not_read(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_exactly(text)


@pytest.mark.parametrize("text", ["1e999", "[-1.5E+400]", "1" * 400 + ".5"])
def test_a_number_beyond_all_doubles_keeps_its_text(text: str) -> None:
    assert write_exactly(read_exactly(text, exact_decimals=True)) == text
