"""Fields that are filled in as lines of text: in a terminal, or in a text prompt of a notebook."""

import re
from typing import Any

from mcpsecurity.elicitation.fields import (
    BooleanField,
    ChoiceField,
    ChoicesField,
    Field,
    FieldError,
    LinesField,
    NumberField,
    Option,
)
from mcpsecurity.runtime.exact_decimals import read_decimal

_DECIMAL_COMMA = re.compile(r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))")
_YES, _NO = ("y", "yes", "true", "1"), ("n", "no", "false", "0")


def read_entry(field: Field, text: str) -> Any:
    """Return the value that a typed line stands for; None when nothing was typed and there is no default.

    A choice is typed as its number or its value, several with commas between.

    Raises:
        FieldError: the line does not fit; the message is for the person.
    """
    entered = text.strip()
    if not entered:
        value = field.default
        if value is None and field.required:
            raise FieldError("Please fill this in.")
        return list(value) if isinstance(value, tuple) else value
    return parse_entry(field, entered)


def parse_entry(field: Field, text: str) -> Any:
    """Return the value that text which is not blank stands for.

    Raises:
        FieldError: it does not fit; the message is for the person.
    """
    return field.check(_typed(field, text))


def field_label(field: Field) -> str:
    """Return what to call the field, in one line."""
    return field.title or field.name


def field_hint(field: Field) -> str:
    """Return what may be typed, in one line: kind, bounds, options, default."""
    parts = [_kind(field)]
    if isinstance(field, NumberField):
        parts += [f"at least {field.minimum:g}"] if field.minimum is not None else []
        parts += [f"at most {field.maximum:g}"] if field.maximum is not None else []
        parts += [f"more than {field.exclusive_minimum:g}"] if field.exclusive_minimum is not None else []
        parts += [f"less than {field.exclusive_maximum:g}"] if field.exclusive_maximum is not None else []
    if field.default is not None:
        parts.append(f"Enter for {_shown(field.default)}")
    elif not field.required:
        parts.append("Enter to skip")
    return ", ".join(part for part in parts if part)


def _kind(field: Field) -> str:
    match field:
        case NumberField(integer=True):
            return "a whole number"
        case NumberField():
            return "a number"
        case BooleanField():
            return "y or n"
        case ChoiceField():
            return f"1 to {len(field.options)}"
        case ChoicesField():
            return f"any of 1 to {len(field.options)}, with commas"
        case LinesField():
            return "texts, with commas or one a line"
    return {"email": "an e-mail address", "uri": "an address", "date": "a date like 2026-01-31"}.get(
        field.format or "", "a date and time like 2026-01-31T12:00:00Z" if field.format else ""
    )


def field_options(field: Field) -> list[str]:
    """Return the options of a choice, each in a line with its number; nothing for other fields."""
    if not isinstance(field, ChoiceField | ChoicesField):
        return []
    return [f"{number}  {option.title}" for number, option in enumerate(field.options, 1)]


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return ", ".join(default) if isinstance(default, tuple) else str(default)


def _typed(field: Field, text: str) -> Any:
    match field:
        case NumberField():
            return _number(field, text)
        case BooleanField():
            return _boolean(text)
        case ChoiceField():
            return _option(field.options, text)
        case ChoicesField():
            return [_option(field.options, part.strip()) for part in text.split(",") if part.strip()]
        case LinesField():
            parts = text.splitlines() if "\n" in text else text.split(",")
            return [part.strip() for part in parts if part.strip()]
    return text


def _number(field: NumberField, text: str) -> float:
    try:
        return int(text) if field.integer else read_decimal(_with_point(text))
    except ValueError:
        raise FieldError("Enter a whole number." if field.integer else "Enter a number.") from None


def _with_point(text: str) -> str:
    """Return a number with a point where it has a decimal comma; 1,234 may be another number, and stays."""
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text


def _boolean(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise FieldError("Choose yes or no.")


def _option(options: Any, text: str) -> Any:
    """Return the option of that number, value or title; a value that is itself a number comes first."""
    known: list[Option] = list(options)
    for option in known:
        if text in (str(option.value), option.title):
            return option.value
    if text.isdecimal() and 0 < int(text) <= len(known):
        return known[int(text) - 1].value
    raise FieldError("Choose one of the options.")
