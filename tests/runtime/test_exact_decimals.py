"""Decimals keep their digits through readers and writers of JSON that know only doubles."""

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpsecurity.runtime.exact_decimals import (
    ExactFloat,
    dumps,
    loads,
    marked,
    packed,
    read_decimal,
    unmarked,
    unpacked,
)

LONG = "0.123456789012345678901234567890"
WHOLE, EXPONENT = "-?(0|[1-9][0-9]{0,25})", "[eE][+-]?[0-9]{1,4}"
NUMBERS = st.from_regex(rf"{WHOLE}(\.[0-9]{{1,30}}({EXPONENT})?|{EXPONENT})", fullmatch=True)
VALUES = st.recursive(
    NUMBERS.map(read_decimal) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(NUMBERS)
def test_a_number_that_is_read_has_its_digits_when_it_is_written(number: str) -> None:
    written = dumps(loads(f'{{"a": [{number}]}}'))
    assert Decimal(written[7:-2]).as_tuple() == Decimal(number).as_tuple()


@given(VALUES)
def test_a_value_goes_through_a_writer_that_knows_only_doubles(value: Any) -> None:
    text = unmarked(json.dumps(marked(value)).encode()).decode()
    assert text == dumps(value)
    assert dumps(unpacked(json.loads(json.dumps(packed(value))))) == text


@pytest.mark.parametrize(
    "text", ["1.10", "1.0e2", "-0.00", "5e0", LONG, "1e400", "1e-400", "12345678901234567.5"]
)
def test_what_a_double_would_change_is_kept(text: str) -> None:
    assert dumps(loads(text)) == text
    assert loads(text) == float(text)


@pytest.mark.parametrize(
    "text", ["1.1", "-0.0", "100.0", "1e-07", "1e-7", "1E-7", "1e16", "1e+16", "2.5E+0021"]
)
def test_what_a_double_keeps_is_a_plain_float(text: str) -> None:
    assert type(loads(text)) is float


@pytest.mark.parametrize("text", ["1_0.10", ".50", "5.", " 1.10", "inf", "nan", "+1.10"])
def test_a_float_that_json_does_not_have_stays_a_plain_float(text: str) -> None:
    assert type(read_decimal(text)) is float


def test_pythons_decimals_are_written_as_numbers() -> None:
    assert dumps({"a": [Decimal("1.10"), Decimal("1E+2"), Decimal(3)]}) == '{"a": [1.10, 1E+2, 3]}'
    with pytest.raises(TypeError):
        dumps(Decimal("NaN"))


def test_texts_that_look_like_numbers_stay_texts() -> None:
    value = {"a": "1.10", "b": ExactFloat("1.10"), "1.10": "\ud800"}
    assert dumps(value) == '{"a": "1.10", "b": 1.10, "1.10": "\\ud800"}'
    assert dumps(value, ensure_ascii=False) == '{"a": "1.10", "b": 1.10, "1.10": "\ud800"}'


def test_a_value_without_exact_decimals_is_not_copied() -> None:
    value = {"a": [1.5, {"b": None}], "c": (1, 2)}
    assert marked(value) is packed(value) is unpacked(value) is value


def test_a_copy_keeps_the_text() -> None:
    assert copy.deepcopy(ExactFloat(LONG)).text == LONG


def test_a_value_within_itself_is_refused_as_json_refuses_it() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular"):
        dumps(value)
