"""A form: a server's `requestedSchema`, read into fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcpsecurity.elicitation.fields import (
    BooleanField,
    ChoiceField,
    ChoicesField,
    Field,
    FieldError,
    NumberField,
    Option,
    TextField,
)

__all__ = ["Form", "InvalidContentError", "SchemaError", "parse_form"]

_MAX_FIELDS = 100
_MAX_OPTIONS = 1000
_FORMATS = ("email", "uri", "date", "date-time")


class SchemaError(ValueError):
    """The schema is not of the subset that MCP allows for elicitation."""


class InvalidContentError(ValueError):
    """Some values do not fit; `fields` maps their names to messages for the person."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(f"{len(fields)} fields do not fit")
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order of the schema; a form without any only asks to accept."""

    fields: tuple[Field, ...]

    def validate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the content to send: only filled fields, with exact JSON types.

        None and, in optional fields, empty text or an empty choice count as not filled.

        Raises:
            InvalidContentError: a value does not fit, is missing, or belongs to no field.
        """
        content: dict[str, Any] = {}
        errors = {
            str(name): "There is no such field." for name in values.keys() - {f.name for f in self.fields}
        }
        for field in self.fields:
            value = values.get(field.name)
            if _blank(field, value):
                if field.required:
                    errors[field.name] = "Please fill this in."
                continue
            try:
                content[field.name] = field.check(value)
            except FieldError as error:
                errors[field.name] = str(error)
        if errors:
            raise InvalidContentError(errors)
        return content

    def to_json(self) -> list[dict[str, Any]]:
        """Return the fields as a page needs them."""
        return [field.to_json() for field in self.fields]


def parse_form(schema: Mapping[str, Any]) -> Form:
    """Read a `requestedSchema`.

    Raises:
        SchemaError: it is not flat, or has a kind of field that MCP 2025-11-25 does not know.
    """
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    if schema.get("type", "object") != "object" or not isinstance(properties, Mapping):
        raise SchemaError("the schema is not an object with properties")
    if len(properties) > _MAX_FIELDS or not isinstance(required, list):
        raise SchemaError(f"more than {_MAX_FIELDS} fields, or `required` is no list")
    return Form(tuple(_field(str(name), p, name in required) for name, p in properties.items()))


def _blank(field: Field, value: Any) -> bool:
    """Tell whether nothing was filled in. An empty text of a required field is left to the field's rules."""
    if value is None:
        return True
    if isinstance(field, TextField):
        return bool(value == "") and (not field.required or not field.min_length)
    if isinstance(field, ChoicesField):
        return bool(value == []) and not field.required and not field.min_items
    return bool(value == "")


def _field(name: str, schema: Any, required: bool) -> Field:
    if not isinstance(schema, Mapping):
        raise SchemaError(f"{name}: not a schema")
    common: dict[str, Any] = {
        "name": name,
        "title": _text(schema, "title"),
        "description": _text(schema, "description"),
        "required": required,
    }
    kind = schema.get("type")
    if kind == "string":
        return _string(schema, common)
    if kind in ("number", "integer"):
        bounds: dict[str, Any] = {key: _number(schema, key) for key in ("minimum", "maximum", "default")}
        return NumberField(**common, integer=kind == "integer", **bounds)
    if kind == "boolean":
        default = schema.get("default")
        return BooleanField(**common, default=default if isinstance(default, bool) else None)
    if kind == "array":
        return _choices(schema, common)
    raise SchemaError(f"{name}: fields of type {kind!r} cannot be asked for")


def _string(schema: Mapping[str, Any], common: dict[str, Any]) -> TextField | ChoiceField:
    default = _text(schema, "default")
    if "enum" in schema or "oneOf" in schema:
        options = _options(schema, common["name"], titled="oneOf")
        known = default in {option.value for option in options}
        return ChoiceField(**common, options=options, default=default if known else None)
    form = schema.get("format")
    return TextField(
        **common,
        format=form if form in _FORMATS else None,
        min_length=_count(schema, "minLength"),
        max_length=_count(schema, "maxLength"),
        pattern=_text(schema, "pattern"),
        default=default,
    )


def _choices(schema: Mapping[str, Any], common: dict[str, Any]) -> ChoicesField:
    items = schema.get("items")
    if not isinstance(items, Mapping):
        raise SchemaError(f"{common['name']}: a list needs the values to choose from")
    options = _options(items, common["name"], titled="anyOf")
    known = {option.value for option in options}
    default = schema.get("default")
    chosen = tuple(v for v in default if v in known) if isinstance(default, list) else None
    return ChoicesField(
        **common,
        options=options,
        min_items=_count(schema, "minItems"),
        max_items=_count(schema, "maxItems"),
        default=chosen,
    )


def _options(schema: Mapping[str, Any], name: str, *, titled: str) -> tuple[Option, ...]:
    """Read plain (`enum`), titled (`oneOf`, `anyOf`: const and title) and legacy (`enumNames`) options."""
    values, pairs = schema.get("enum"), schema.get(titled, schema.get("oneOf"))
    if isinstance(pairs, list):
        found: list[tuple[Any, Any]] = [
            (p.get("const"), p.get("title")) for p in pairs if isinstance(p, Mapping)
        ]
    elif isinstance(values, list):
        names = schema.get("enumNames")
        titles = names if isinstance(names, list) and len(names) == len(values) else values
        found = list(zip(values, titles, strict=True))
    else:
        raise SchemaError(f"{name}: no values to choose from")
    if not found or len(found) > _MAX_OPTIONS or not all(isinstance(value, str) for value, _ in found):
        raise SchemaError(f"{name}: the values to choose from are not 1 to {_MAX_OPTIONS} strings")
    return tuple(Option(value, str(title if title is not None else value)) for value, title in found)


def _text(schema: Mapping[str, Any], key: str) -> str | None:
    value = schema.get(key)
    return value if isinstance(value, str) else None


def _number(schema: Mapping[str, Any], key: str) -> float | None:
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(schema: Mapping[str, Any], key: str) -> int | None:
    value = schema.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
