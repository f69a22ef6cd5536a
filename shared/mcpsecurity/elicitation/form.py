"""A form: a server's `requestedSchema`, read into fields."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

from mcpsecurity.elicitation.arguments import argument_errors
from mcpsecurity.elicitation.fields import (
    BooleanField,
    ChoiceField,
    ChoicesField,
    Field,
    FieldError,
    LinesField,
    NumberField,
    Option,
    TextField,
    is_endless,
)
from mcpsecurity.elicitation.schema import Reader, SchemaError
from mcpsecurity.runtime.exact_decimals import ExactFloat
from mcpsecurity.sentences import Sentence

__all__ = ["Form", "InvalidContentError", "SchemaError", "parse_form"]

_MAX_FIELDS = 100
_MAX_OPTIONS = 1000
_FORMATS = ("email", "uri", "date", "date-time")


class InvalidContentError(ValueError):
    """Some values do not fit; `fields` maps their names to messages for the person, as
    `Sentence` or plain text."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(f"{len(fields)} fields do not fit")
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Form:
    """Fields in the order of the schema; a form without any only asks to accept."""

    fields: tuple[Field, ...]
    rules: Mapping[str, Any] = dataclass_field(default_factory=dict, repr=False)

    def validate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the content to send: only filled fields, with exact JSON types.

        None and, in optional fields, empty text or an empty choice count as not filled.

        Raises:
            InvalidContentError: a value does not fit, is missing, or belongs to no field.
        """
        content: dict[str, Any] = {}
        errors: dict[str, str] = {
            str(name): Sentence("There is no such field.")
            for name in values.keys() - {f.name for f in self.fields}
        }
        for field in self.fields:
            value = values.get(field.name)
            if _blank(field, value):
                if field.required:
                    errors[field.name] = Sentence("Please fill this in.")
                continue
            try:
                content[field.name] = field.check(value)
            except FieldError as error:
                errors[field.name] = str(error)
        errors = errors or argument_errors({"properties": self.rules}, content)
        if errors:
            raise InvalidContentError(errors)
        return content

    def to_json(self) -> list[dict[str, Any]]:
        """Return the fields as a page needs them."""
        return [field.to_json() for field in self.fields]


def parse_form(schema: Mapping[str, Any]) -> Form:
    """Read a `requestedSchema` (MCP 2025-11-25, client/elicitation) by its meaning.

    Besides what the specification lists, a field may be a local `$ref`, an `allOf` of one schema, "this or
    null" (as `anyOf`, `oneOf` or a list of types), a choice without a type or of numbers and booleans, a
    `const`, a list of any texts, and a number with exclusive bounds: so pydantic and the official SDKs write.

    Raises:
        SchemaError: it is not flat, has more than 100 fields, or a rule that a form cannot show, like `not`.
    """
    if not isinstance(schema, Mapping):
        raise SchemaError("not a schema")
    reader = Reader(schema)
    if not schema.keys() <= _PLAIN_ROOT:
        schema = reader.plain(schema)  # which refuses what no form can show
    properties = schema.get("properties", {})
    required = schema.get("required") or []
    if schema.get("type", "object") != "object" or not isinstance(properties, Mapping):
        raise SchemaError("the schema is not an object with properties")
    if len(properties) > _MAX_FIELDS or not isinstance(required, list):
        raise SchemaError(f"more than {_MAX_FIELDS} fields, or `required` is no list")
    plain = {str(name): _plain(reader, str(name), p) for name, p in properties.items()}
    fields = tuple(_field(name, p, name in required) for name, p in plain.items())
    return Form(fields, {name: _rules(p) for name, p in plain.items()})


_PLAIN_ROOT = frozenset({"$schema", "type", "properties", "required", "title", "description", "$defs"})


def _plain(reader: Reader, name: str, schema: Any) -> dict[str, Any]:
    try:
        plain = reader.plain(schema)
        return plain | {"items": reader.plain(plain["items"])} if "items" in plain else plain
    except SchemaError as error:
        raise SchemaError(f"{name}: {error}") from None


_RULES = (
    *("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
)


def _rules(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the answer is checked by once more: no reference and no pattern is left in it."""
    rules = {key: schema[key] for key in _RULES if key in schema}
    return rules | {"items": _rules(schema["items"])} if "items" in schema else rules


def _blank(field: Field, value: Any) -> bool:
    """Tell whether nothing was filled in. An empty text of a required field is left to the field's rules."""
    if value is None:
        return True
    if isinstance(field, TextField):
        return bool(value == "") and (not field.required or not field.min_length)
    if isinstance(field, ChoicesField | LinesField):
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
    if "const" in schema or "enum" in schema:
        return _choice(schema, common)
    if kind == "string":
        return _string(schema, common)
    if kind in ("number", "integer"):
        return _numeric(schema, common, integer=kind == "integer")
    if kind == "boolean":
        default = schema.get("default")
        return BooleanField(**common, default=default if isinstance(default, bool) else None)
    if kind == "array":
        return _several(schema, common)
    raise SchemaError(f"{name}: fields of type {kind!r} cannot be asked for")


def _choice(schema: Mapping[str, Any], common: dict[str, Any]) -> ChoiceField:
    options = _options(schema, common["name"])
    field = ChoiceField(**common, options=options)
    default = schema.get("default")
    return replace(field, default=default) if field.knows(default) else field


def _string(schema: Mapping[str, Any], common: dict[str, Any]) -> TextField:
    form = schema.get("format")
    return TextField(
        **common,
        format=form if form in _FORMATS else None,
        min_length=_count(schema, "minLength"),
        max_length=_count(schema, "maxLength"),
        pattern=_text(schema, "pattern"),
        default=_text(schema, "default"),
    )


def _numeric(schema: Mapping[str, Any], common: dict[str, Any], *, integer: bool) -> NumberField:
    return NumberField(
        **common,
        integer=integer,
        minimum=_number(schema, "minimum"),
        maximum=_number(schema, "maximum"),
        exclusive_minimum=_number(schema, "exclusiveMinimum"),
        exclusive_maximum=_number(schema, "exclusiveMaximum"),
        default=None if is_endless(default := _number(schema, "default")) else default,
    )


def _several(schema: Mapping[str, Any], common: dict[str, Any]) -> ChoicesField | LinesField:
    items = schema.get("items")
    if not isinstance(items, Mapping) or "enum" in items or "const" in items:
        return _choices(schema, common)
    if items.get("type") != "string":
        raise SchemaError(f"{common['name']}: only lists of text can be asked for")
    default = schema.get("default")
    texts = isinstance(default, list) and all(isinstance(text, str) for text in default)
    return LinesField(
        **common,
        min_items=_count(schema, "minItems"),
        max_items=_count(schema, "maxItems"),
        default=tuple(default) if texts and default else None,
    )


def _choices(schema: Mapping[str, Any], common: dict[str, Any]) -> ChoicesField:
    items = schema.get("items")
    if not isinstance(items, Mapping):
        raise SchemaError(f"{common['name']}: a list needs the values to choose from")
    options = _options(items, common["name"])
    if not all(isinstance(option.value, str) for option in options):
        raise SchemaError(f"{common['name']}: several values can be chosen only when they are text")
    known = [option.value for option in options]
    default = schema.get("default")
    chosen = tuple(v for v in default if v in known) if isinstance(default, list) else None
    return ChoicesField(
        **common,
        options=options,
        min_items=_count(schema, "minItems"),
        max_items=_count(schema, "maxItems"),
        default=chosen,
    )


def _options(schema: Mapping[str, Any], name: str) -> tuple[Option, ...]:
    """Read the values and their titles (`enumNames`); null is left out: it means no choice."""
    values, names = schema.get("enum", [schema.get("const")]), schema.get("enumNames")
    if not isinstance(values, list):
        raise SchemaError(f"{name}: no values to choose from")
    titles = names if isinstance(names, list) and len(names) == len(values) else values
    found = [(v, t) for v, t in zip(values, titles, strict=True) if v is not None]
    if not found or len(found) > _MAX_OPTIONS or not all(_fits(value, schema) for value, _ in found):
        raise SchemaError(
            f"{name}: the values to choose from are not 1 to {_MAX_OPTIONS} of the field's type"
        )
    return tuple(Option(value, _title(title if title is not None else value)) for value, title in found)


def _title(value: Any) -> str:
    return value.text if isinstance(value, ExactFloat) else str(value)


_TYPES = {"string": str, "integer": int, "number": int | float, "boolean": bool}


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    if kind is None:
        return isinstance(value, str | int | float)
    wanted = _TYPES.get(kind) if isinstance(kind, str) else None
    return wanted is not None and isinstance(value, wanted) and isinstance(value, bool) == (kind == "boolean")


def _text(schema: Mapping[str, Any], key: str) -> str | None:
    value = schema.get(key)
    return value if isinstance(value, str) else None


def _number(schema: Mapping[str, Any], key: str) -> float | None:
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(schema: Mapping[str, Any], key: str) -> int | None:
    """Return a count, which JSON may also write as 5.0."""
    value = _number(schema, key)
    if value is None or is_endless(value) or value < 0 or value != int(value):
        return None
    return int(value)
