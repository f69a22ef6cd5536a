"""Forms are read by meaning: what SDKs and pydantic write becomes fields, and answers fit the schema."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcpsecurity.elicitation import Form, InvalidContentError, SchemaError, parse_form
from mcpsecurity.elicitation.entry import field_hint, read_entry
from mcpsecurity.runtime.exact_decimals import dumps, loads


def form(schema: Any, **more: Any) -> Form:
    return parse_form({"type": "object", "properties": {"a": schema}, **more})


COLORS = {"$defs": {"C": {"type": "string", "enum": ["red", "blue"]}}}
NULL = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "kind", "good", "bad"),
    [
        ({"anyOf": [{"type": "string"}, NULL], "default": None}, "text", "x", 1),
        ({"anyOf": [{"type": "integer", "minimum": 0}, NULL]}, "integer", 3, -1),
        ({"type": ["boolean", "null"]}, "boolean", True, "x"),
        ({"type": ["string", "null"], "enum": ["x", None]}, "choice", "x", "y"),
        ({"type": "array", "items": {"type": "string"}}, "lines", ["x", "y"], [1]),
        ({"$ref": "#/$defs/C"}, "choice", "red", "green"),
        ({"allOf": [{"$ref": "#/$defs/C"}], "default": "red"}, "choice", "blue", "green"),
        ({"enum": ["x"]}, "choice", "x", "y"),
        ({"oneOf": [{"const": "x", "title": "X"}]}, "choice", "x", "X"),
        ({"type": "string", "anyOf": [{"const": "x", "title": "X"}]}, "choice", "x", "y"),
        ({"type": "integer", "enum": [1, 7]}, "choice", 7, "7"),
        ({"enum": [True, 2.5]}, "choice", True, 1),
        ({"type": "string", "const": "x"}, "choice", "x", "y"),
        ({"type": "integer", "exclusiveMinimum": 0}, "integer", 1, 0),
        ({"type": "number", "exclusiveMaximum": 10}, "number", 9.5, 10),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "text", "x", 1),
    ],
)
def test_schemas_are_read_by_meaning(schema: dict[str, Any], kind: str, good: Any, bad: Any) -> None:
    asked = form(schema, required=None, **COLORS)
    assert asked.to_json()[0]["kind"] == kind
    assert asked.validate({}) == {}
    content = asked.validate({"a": good})
    assert content == {"a": good}
    assert type(content["a"]) is type(good)
    with pytest.raises(InvalidContentError):
        asked.validate({"a": bad})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/properties/a"},
        {"$ref": "https://example.com/x"},
        {"anyOf": [{"$ref": "#/properties/a"}, {"$ref": "#/properties/a"}]},
        {"allOf": [{"type": "string"}, {"minLength": 1}]},
        {"anyOf": [{"type": "object"}, NULL]},
        {"type": "string", "not": {"const": "x"}},
    ],
)
def test_what_no_form_can_show_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        form(schema)


@pytest.mark.parametrize(
    ("bound", "told", "good", "bad"),
    [
        ({"minimum": 0}, "at least 0", 0, -1),
        ({"maximum": 0}, "at most 0", 0, 1),
        ({"exclusiveMinimum": 0}, "more than 0", 0.5, 0),
        ({"exclusiveMaximum": 0}, "less than 0", -0.5, 0),
    ],
)
def test_a_bound_is_in_the_form_for_the_page_the_hint_and_the_error(
    bound: dict[str, int], told: str, good: float, bad: float
) -> None:
    asked = form({"type": "number", **bound})
    assert bound.items() <= asked.to_json()[0].items()
    assert told in field_hint(asked.fields[0])
    assert asked.validate({"a": good}) == {"a": good}
    with pytest.raises(InvalidContentError) as caught:
        asked.validate({"a": bad})
    assert caught.value.fields["a"].startswith("Enter ")


FIELDS = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/F", "$defs": {"F": FIELDS}},
        {"allOf": [FIELDS]},
        {"anyOf": [FIELDS, NULL]},
        {**FIELDS, "additionalProperties": False, "$id": "x"},
    ],
    ids=["reference", "allOf", "or null", "further words"],
)
def test_the_whole_schema_is_read_by_meaning_as_well(schema: dict[str, Any]) -> None:
    assert [(field.name, field.required) for field in parse_form(schema).fields] == [("a", True)]


@pytest.mark.parametrize(
    "more", [{"anyOf": [{"required": ["a"]}, FIELDS]}, {"if": {}}, {"not": {}}, {"$ref": "#"}], ids=str
)
def test_a_whole_schema_that_no_form_can_show_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        parse_form({**FIELDS, **more})


@pytest.mark.parametrize("bound", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "default"])
@pytest.mark.parametrize("value", ["1e400", "-1e400"])
def test_a_bound_beyond_all_numbers_is_kept_and_named(bound: str, value: str) -> None:
    asked = form(loads(f'{{"type": "number", "{bound}": {value}}}'))
    assert (f'"{bound}": {value}' in dumps(asked.to_json())) == (bound != "default")
    impossible = (value[0] == "-") == ("max" in bound.lower()) and bound != "default"
    if impossible:
        with pytest.raises(InvalidContentError) as caught:
            asked.validate({"a": 1})
        assert value in caught.value.fields["a"]
    else:
        assert asked.validate({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize("value", ["1e400", "-1e400"])
def test_a_number_beyond_all_numbers_is_told_as_too_large(kind: str, value: str) -> None:
    with pytest.raises(InvalidContentError) as caught:
        form({"type": kind}).validate({"a": loads(value)})
    assert caught.value.fields == {"a": "This number is too large."}


@pytest.mark.parametrize(
    ("step", "fits", "does_not"),
    [
        ("0.1", "0.3", "0.35"),
        ("0.01", "12.35", "12.355"),
        ("5", "10", "12"),
        ("0.05", "1e300", "0.07"),
        ("1e-9", "1e-9", "1e-10"),
    ],
)
def test_a_multiple_is_told_by_its_digits(step: str, fits: str, does_not: str) -> None:
    asked = form({"type": "number", "multipleOf": loads(step)})
    assert asked.validate({"a": loads(fits)})
    with pytest.raises(InvalidContentError) as caught:
        asked.validate({"a": loads(does_not)})
    assert caught.value.fields == {"a": f"Enter a multiple of {loads(step)}."}


def test_what_may_be_left_out_is_read_as_zod_writes_it() -> None:
    assert form({"anyOf": [{"not": {}}, {"type": "string"}]}).to_json()[0]["kind"] == "text"


def test_a_count_may_be_written_with_a_fraction() -> None:
    asked = form({"type": "string", "minLength": 2.0, "maxLength": 3.5})
    assert {"minLength": 2}.items() <= asked.to_json()[0].items()
    assert "maxLength" not in asked.to_json()[0]
    with pytest.raises(InvalidContentError):
        asked.validate({"a": "x"})


def test_choices_that_differ_in_their_digits_can_be_told_apart() -> None:
    asked = form(loads('{"enum": [1.10, 1.1]}'))
    assert [option["title"] for option in asked.to_json()[0]["options"]] == ["1.10", "1.1"]
    assert dumps(asked.validate({"a": loads("1.10")})) == '{"a": 1.10}'


@pytest.mark.parametrize("schema", [None, True, [], "object"])
def test_an_invalid_schema_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError):
        parse_form(schema)


def test_lines_and_numbers_can_be_typed() -> None:
    assert read_entry(form({"type": "array", "items": {"type": "string"}}).fields[0], "x, y") == ["x", "y"]
    assert read_entry(form({"enum": [1, 7]}).fields[0], "7") == 7


SIMPLE = st.sampled_from(["x", "y", 0, 1, 7, True, None, 2.5])
LEAF = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", ["string", "null"], "null"]),
        "enum": st.lists(SIMPLE, min_size=1, max_size=3, unique_by=repr),
        "const": SIMPLE,
        "minimum": st.integers(-2, 2),
        "exclusiveMaximum": st.integers(0, 9),
        "minLength": st.integers(0, 2),
        "$ref": st.sampled_from(["#/$defs/C", "#/properties/a", "#/no"]),
    },
)
SCHEMA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda key, parts, leaf: {**leaf, key: parts}, st.sampled_from(["anyOf", "oneOf", "allOf"]),
                  st.lists(inner, min_size=1, max_size=3), LEAF),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
    ),
    max_leaves=6,
)  # fmt: skip


@given(SCHEMA, SIMPLE | st.lists(SIMPLE, max_size=3))
def test_every_accepted_answer_fits_the_schema(schema: dict[str, Any], value: Any) -> None:
    whole = {"type": "object", "properties": {"a": schema}, **COLORS}
    try:
        content = parse_form(whole).validate({"a": value})
    except (SchemaError, InvalidContentError):
        return
    Draft202012Validator(whole).validate(content)
