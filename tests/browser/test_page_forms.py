"""Fields as the page reads them: exact JSON types, blanks left out, errors for what does not fit."""

from typing import Any

import pytest
from playwright.async_api import Page

FILL = """
async ({fields, values, source}) => {
  const {fromElicitation, fromSchema} = await import("/static/js/forms/fields.js");
  const {Form} = await import("/static/js/forms/form.js");
  const form = new Form(source === "schema" ? fromSchema(fields, values) : fromElicitation(fields));
  document.body.replaceChildren(form.element);
  window.form = form;
}
"""
READ = """
() => ({
  content: window.form.read(),
  errors: [...document.querySelectorAll(".field-error:not([hidden])")].map((error) => error.textContent),
  focus: document.activeElement?.id ?? "",
})
"""


def field(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "f", "kind": kind, "title": "Field", "required": False, **more}


async def show(page: Page, *fields: dict[str, Any]) -> None:
    await page.evaluate(FILL, {"fields": list(fields), "source": "elicitation"})


async def read(page: Page) -> Any:
    return await page.evaluate(READ)


KINDS = [
    (field("text"), "text", " some text ", " some text "),
    (field("text", format="email"), "text", "a@example.com", "a@example.com"),
    (field("text", format="uri"), "text", "https://example.com/x", "https://example.com/x"),
    (field("text", format="date"), "text", "2026-02-28", "2026-02-28"),
    (field("text", format="date-time"), "text", "2026-07-01T10:00:00", "2026-07-01T10:00:00+02:00"),
    (field("integer"), "text", "42", 42),
    (field("number"), "text", "-1.5", -1.5),
    (field("boolean"), "select", "Yes", True),
    (field("boolean"), "select", "No", False),
    (field("choice", options=[{"value": "e", "title": "Economy"}]), "select", "Economy", "e"),
]


@pytest.mark.parametrize(("schema", "how", "typed", "value"), KINDS)
async def test_what_is_typed_becomes_the_json_value(
    modules: Page, schema: dict[str, Any], how: str, typed: str, value: Any
) -> None:
    await show(modules, schema)
    control = modules.get_by_label("Field")
    await (control.select_option(typed) if how == "select" else control.fill(typed))
    found = await read(modules)
    assert (found["content"], found["errors"]) == ({"f": value}, [])
    assert type(found["content"]["f"]) is type(value)


@pytest.mark.parametrize("schema", [schema for schema, *_ in KINDS])
async def test_blank_optional_fields_are_left_out(modules: Page, schema: dict[str, Any]) -> None:
    await show(modules, schema)
    assert (await read(modules))["content"] == {}


@pytest.mark.parametrize("schema", [schema for schema, *_ in KINDS if schema["kind"] != "boolean"])
async def test_blank_required_fields_get_an_error_and_the_focus(
    modules: Page, schema: dict[str, Any]
) -> None:
    await show(modules, schema | {"required": True})
    found = await read(modules)
    assert (found["content"], len(found["errors"])) == (None, 1)
    control = modules.get_by_label("Field")
    assert await control.get_attribute("id") == found["focus"]
    assert await control.get_attribute("aria-invalid") == "true"


@pytest.mark.parametrize(
    ("schema", "typed", "error"),
    [
        (field("text", minLength=3), "ab", "Enter at least 3 characters."),
        (field("text", maxLength=2), "\U0001f600\U0001f600\U0001f600", "Enter at most 2 characters"),
        (field("text", format="email"), "nobody", "Enter an e-mail address"),
        (field("text", format="uri"), "example", "Enter a full address"),
        (field("integer"), "1.5", "Enter a whole number."),
        (field("integer", minimum=1), "0", "Must be 1 or more."),
        (field("number", maximum=9.5), "9.6", "Must be 9.5 or less."),
        (field("integer", exclusiveMinimum=0), "0", "Must be more than 0."),
        (field("number", exclusiveMaximum=9.5, maximum=10), "9.5", "Must be less than 9.5."),
    ],
)
async def test_what_does_not_fit_is_said_at_the_field(
    modules: Page, schema: dict[str, Any], typed: str, error: str
) -> None:
    await show(modules, schema)
    await modules.get_by_label("Field").fill(typed)
    found = await read(modules)
    assert found["content"] is None
    assert found["errors"][0].startswith(error)


async def test_lengths_count_characters_not_utf_16_units(modules: Page) -> None:
    await show(modules, field("text", maxLength=2))
    await modules.get_by_label("Field").fill("\U0001f600\U0001f600")
    assert (await read(modules))["content"] == {"f": "\U0001f600\U0001f600"}


async def test_several_can_be_chosen_within_limits(modules: Page) -> None:
    options = [{"value": value, "title": value.upper()} for value in ("a", "b", "c")]
    await show(modules, field("choices", options=options, minItems=1, maxItems=2, default=["b"]))
    assert (await read(modules))["content"] == {"f": ["b"]}
    group = modules.get_by_role("group", name="Field")
    await group.get_by_label("A").check()
    await group.get_by_label("C").check()
    assert (await read(modules))["errors"] == ["Choose at most 2."]
    await group.get_by_label("B").uncheck()
    assert (await read(modules))["content"] == {"f": ["a", "c"]}


async def test_a_required_yes_or_no_is_a_box_and_an_optional_one_can_stay_unset(modules: Page) -> None:
    await show(
        modules, field("boolean", required=True, default=True), field("boolean", name="g", title="Other")
    )
    await modules.get_by_role("checkbox", name="Field").uncheck()
    assert (await read(modules))["content"] == {"f": False}
    await modules.get_by_role("combobox", name="Other").select_option("No")
    assert (await read(modules))["content"] == {"f": False, "g": False}


async def test_defaults_are_filled_in(modules: Page) -> None:
    await show(
        modules,
        field("text", default="x"),
        field("text", name="d", format="date-time", default="2026-01-01T00:00:00Z"),
        field("integer", name="i", default=3),
        field("choice", name="c", options=[{"value": "1", "title": "One"}], default="1"),
    )
    content = (await read(modules))["content"]
    assert content == {"f": "x", "d": "2026-01-01T01:00:00+01:00", "i": 3, "c": "1"}


async def test_a_tools_schema_becomes_fields_with_the_proposed_values(modules: Page) -> None:
    schema = {
        "properties": {
            "city": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "unit": {"$ref": "#/$defs/Unit"},
            "count": {"type": "integer"},
            "nested": {"type": "object"},
        },
        "required": ["count"],
        "$defs": {"Unit": {"enum": ["C", "F"], "type": "string"}},
    }
    values = {"city": "Bern", "unit": "F", "count": 2, "nested": {"a": [1]}, "unknown": True}
    await modules.evaluate(FILL, {"fields": schema, "values": values, "source": "schema"})
    assert (await read(modules))["content"] == values
    await modules.get_by_label("city").fill("")
    await modules.get_by_label("nested").fill("{")
    assert (await read(modules))["errors"] == ["This is not valid JSON."]
    await modules.get_by_label("nested").fill('{"b": 2}')
    without_city = {name: value for name, value in values.items() if name != "city"}
    assert (await read(modules))["content"] == without_city | {"nested": {"b": 2}}


async def test_a_value_that_its_field_cannot_show_is_edited_as_json(modules: Page) -> None:
    schema = {"properties": {"count": {"type": "integer"}, "unit": {"enum": ["C"]}}}
    values = {"count": "three", "unit": "K"}
    await modules.evaluate(FILL, {"fields": schema, "values": values, "source": "schema"})
    assert (await read(modules))["content"] == values


async def test_a_pattern_is_shown_and_never_run(modules: Page) -> None:
    await show(modules, field("text", description="A code.", pattern="(a+)+$"))
    await modules.get_by_label("Field").fill("a" * 40 + "!")
    assert (await read(modules))["content"] == {"f": "a" * 40 + "!"}
    await modules.get_by_text("A code. Pattern: (a+)+$").wait_for()


async def test_the_name_of_a_field_breaks_where_it_is_longer_than_its_column(modules: Page) -> None:
    await modules.set_viewport_size({"width": 700, "height": 500})
    for sheet in ("base", "forms"):
        await modules.add_style_tag(url=f"/static/css/{sheet}.css")
    word = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"
    await show(modules, field("text", title=word), field("boolean", title=word, required=True))
    sizes = await modules.locator(".label").evaluate_all(
        """(labels) => labels.map((label) => {
          const [own, column] = [label, label.closest(".field")].map((e) => e.getBoundingClientRect());
          return [own.right <= column.right + 1, own.height > 30]; // two lines
        })"""
    )
    assert sizes == [[True, True]] * 2
