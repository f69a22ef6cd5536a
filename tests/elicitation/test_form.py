"""Forms: what a server may ask for, and which answers fit."""

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpsecurity.elicitation import (
    ChoiceField,
    ChoicesField,
    InvalidContentError,
    Option,
    SchemaError,
    UrlRefusedError,
    argument_errors,
    parse_form,
    parse_visit,
)


def form(required: tuple[str, ...] = (), **properties: Any) -> Any:
    return parse_form({"type": "object", "properties": properties, "required": list(required)})


def errors(asked: Any, **values: Any) -> dict[str, str]:
    with pytest.raises(InvalidContentError) as caught:
        asked.validate(values)
    return caught.value.fields


def test_values_keep_their_json_types() -> None:
    asked = form(a={"type": "string"}, b={"type": "integer"}, c={"type": "number"}, d={"type": "boolean"})
    assert asked.validate({"a": "x", "b": 2.0, "c": 2, "d": False}) == {"a": "x", "b": 2, "c": 2, "d": False}
    assert isinstance(asked.validate({"b": 2.0})["b"], int)


def test_blank_optional_fields_are_left_out() -> None:
    asked = form(a={"type": "string"}, b={"type": "number"}, c={"type": "array", "items": {"enum": ["x"]}})
    assert asked.validate({"a": "", "b": None, "c": []}) == {}


def test_required_fields_have_to_be_filled() -> None:
    asked = form(
        ("a", "b", "c"),
        a={"type": "string"},
        b={"type": "boolean"},
        c={"type": "array", "items": {"enum": ["x"]}},
    )
    assert set(errors(asked, a="", c=[])) == {"a", "b", "c"}


def test_a_value_for_no_field_is_refused() -> None:
    assert "evil" in errors(form(a={"type": "string"}), evil="x")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "minLength": 3}, "ab"),
        ({"type": "string", "maxLength": 3}, "abcd"),
        ({"type": "string"}, 5),
        ({"type": "string", "format": "email"}, "nobody"),
        ({"type": "string", "format": "uri"}, "not a uri"),
        ({"type": "string", "format": "date"}, "31.01.2026"),
        ({"type": "string", "format": "date"}, "2026-02-30"),
        ({"type": "string", "format": "date-time"}, "2026-01-31T12:00"),
        ({"type": "integer"}, 1.5),
        ({"type": "integer"}, True),
        ({"type": "number"}, float("nan")),
        ({"type": "number", "minimum": 1}, 0),
        ({"type": "number", "maximum": 1}, 2),
        ({"type": "boolean"}, "yes"),
        ({"type": "string", "enum": ["a"]}, "b"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, ["c"]),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, ["a", "a"]),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2}, ["a"]),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 1}, ["a", "b"]),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(schema: dict[str, Any], value: Any) -> None:
    assert errors(form(a=schema), a=value)["a"].endswith(".")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "ada@example.com"),
        ("uri", "https://example.com/a?b"),
        ("uri", "mailto:ada@example.com"),
        ("date", "2026-02-28"),
        ("date-time", "2026-01-31T12:00:00Z"),
        ("date-time", "2026-01-31T12:00:00.5+01:00"),
    ],
)
def test_formats_accept_what_they_name(name: str, value: str) -> None:
    assert form(a={"type": "string", "format": name}).validate({"a": value}) == {"a": value}


def test_options_are_read_from_all_four_spellings() -> None:
    asked = form(
        plain={"type": "string", "enum": ["a"]},
        titled={"type": "string", "oneOf": [{"const": "a", "title": "A"}]},
        legacy={"type": "string", "enum": ["a"], "enumNames": ["A"]},
        several={"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}, "default": ["a"]},
    )
    choices = [f.options[0] for f in asked.fields if isinstance(f, ChoiceField | ChoicesField)]
    assert choices == [Option("a", "a"), Option("a", "A"), Option("a", "A"), Option("a", "A")]
    assert [f["kind"] for f in asked.to_json()] == ["choice", "choice", "choice", "choices"]
    assert asked.to_json()[3]["default"] == ["a"]


def test_an_empty_schema_is_a_form_without_fields() -> None:
    assert parse_form({"type": "object", "properties": {}}).validate({}) == {}


def test_a_catastrophic_pattern_is_not_run() -> None:
    asked = form(a={"type": "string", "pattern": "(a+)+$"})
    assert asked.validate({"a": "a" * 60 + "!"})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}},
        {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}},
        {"type": "object", "properties": {"a": {"type": "string", "enum": [1]}}},
        {"type": "object", "properties": {"a": 1}},
    ],
)
def test_what_mcp_does_not_allow_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        parse_form(schema)


def validated(asked: Any, values: dict[str, Any]) -> Any:
    """Return the content, or the names of the fields that do not fit."""
    try:
        return asked.validate(values)
    except InvalidContentError as error:
        return set(error.fields)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    max_leaves=8,
)


@given(JSON)
def test_any_value_is_accepted_with_its_type_or_refused_with_a_message(value: Any) -> None:
    asked = form(
        a={"type": "string", "format": "date-time"},
        b={"type": "integer"},
        c={"type": "array", "items": {"enum": ["x"]}},
    )
    for name, kind in (("a", str), ("b", int), ("c", list)):
        outcome = validated(asked, {name: value})
        assert outcome in ({}, {name}) or isinstance(outcome[name], kind)


@given(JSON)
def test_any_schema_is_read_or_refused(schema: Any) -> None:
    with contextlib.suppress(SchemaError):
        assert len(parse_form({"type": "object", "properties": {"a": schema}}).fields) == 1


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_in_rfc_3339_fits(moment: dt.datetime) -> None:
    text = moment.astimezone(dt.UTC).isoformat(timespec="seconds")
    asked = form(a={"type": "string", "format": "date-time"})
    assert asked.validate({"a": text}) == {"a": text}


def test_a_visit_shows_host_and_warnings() -> None:
    assert parse_visit("https://example.com/x").warnings == ()
    assert len(parse_visit("http://user@xn--exmple-cua.com/").warnings) == 3


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc", "https://", "ht tp://a", "https://a/\nb"],
)
def test_addresses_that_are_no_web_pages_are_refused(url: str) -> None:
    with pytest.raises(UrlRefusedError):
        parse_visit(url)


@pytest.mark.parametrize(
    "host",
    [
        "bank.example%2eevil.example",
        "bank.example%40evil.example",
        "bank.example|evil.example",
        "evil.example\\@bank.example",
        "2130706433",
        "0x7f.1",
        "127.0.0.1.0x1",
        "xn--a.example",
        "bank..example",
    ],
)
def test_an_address_whose_host_a_browser_reads_in_another_way_is_refused(host: str) -> None:
    with pytest.raises(UrlRefusedError):
        parse_visit(f"https://{host}/")


@pytest.mark.parametrize(
    "host",
    ["bank.example", "BANK.example.", "my_host.example:8443", "192.0.2.1", "[2001:db8::1]", "bücher.example"],
)
def test_an_address_with_a_plain_host_is_offered(host: str) -> None:
    assert parse_visit(f"https://{host}/pay").url


def test_edited_arguments_are_checked_without_running_patterns_or_fetching() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1}, "s": {"type": "string", "pattern": "(a+)+$"}},
        "required": ["n"],
    }
    assert argument_errors(schema, {"n": 1, "s": "a" * 60 + "!"}) == {}
    assert argument_errors(schema, {}) == {"n": "This argument is needed."}
    assert argument_errors(schema, {"n": 0}) == {"n": "Enter 1 or more."}
    assert argument_errors({"$ref": "https://example.com/schema"}, {}) == {}


def test_an_argument_that_no_double_can_hold_is_left_to_the_server() -> None:
    schema = {"properties": {"amount": {"type": "integer", "multipleOf": 0.5}}}
    assert argument_errors(schema, {"amount": 10**400}) == {}
