"""The fields of a form, each with the rules its value must keep."""

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from mcpsecurity.runtime.exact_decimals import ExactFloat
from mcpsecurity.sentences import Sentence

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_MAX_TEXT = 100_000
_WHOLE = Sentence("Enter a whole number.")


class FieldError(ValueError):
    """A value does not fit; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    name: str
    title: str | None = None
    description: str | None = None
    required: bool = False

    def _json(self, kind: str, **more: Any) -> dict[str, Any]:
        common = {
            "name": self.name,
            "kind": kind,
            "title": self.title or self.name,
            "description": self.description,
            "required": self.required,
        }
        return {key: value for key, value in (common | more).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextField(_Base):
    """A string. Lengths count characters; `format` is checked, a `pattern` only shown."""

    format: Literal["email", "uri", "date", "date-time"] | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    default: str | None = None

    def check(self, value: Any) -> str:
        """Return the value, or raise `FieldError`."""
        if not isinstance(value, str):
            raise FieldError(Sentence("Enter text."))
        if self.min_length is not None and len(value) < self.min_length:
            raise FieldError(_at_least(self.min_length))
        if len(value) > min(self.max_length or _MAX_TEXT, _MAX_TEXT):
            raise FieldError(_at_most(min(self.max_length or _MAX_TEXT, _MAX_TEXT)))
        if self.format is not None:
            _check_format(value, self.format)
        return value

    def to_json(self) -> dict[str, Any]:
        """Return the field as a page needs it."""
        return self._json(
            "text",
            format=self.format,
            minLength=self.min_length,
            maxLength=self.max_length,
            pattern=self.pattern,
            default=self.default,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberField(_Base):
    """A number, or an integer. A bound is inclusive, unless its name says otherwise."""

    integer: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    default: float | None = None

    def check(self, value: Any) -> float | int:
        """Return the value as JSON has it, or raise `FieldError`."""
        if isinstance(value, float) and math.isinf(value):
            raise FieldError(Sentence("This number is too large."))
        if isinstance(value, bool) or not isinstance(value, int | float) or is_endless(value):
            raise FieldError(_WHOLE if self.integer else Sentence("Enter a number."))
        if self.integer:
            if value != int(value):
                raise FieldError(_WHOLE)
            value = int(value)
        if self.minimum is not None and value < self.minimum:
            raise FieldError(Sentence("Enter {minimum} or more.", minimum=_plain(self.minimum)))
        if self.maximum is not None and value > self.maximum:
            raise FieldError(Sentence("Enter {maximum} or less.", maximum=_plain(self.maximum)))
        if self.exclusive_minimum is not None and value <= self.exclusive_minimum:
            raise FieldError(Sentence("Enter more than {bound}.", bound=_plain(self.exclusive_minimum)))
        if self.exclusive_maximum is not None and value >= self.exclusive_maximum:
            raise FieldError(Sentence("Enter less than {bound}.", bound=_plain(self.exclusive_maximum)))
        number: float | int = value
        return number

    def to_json(self) -> dict[str, Any]:
        """Return the field as a page needs it."""
        kind = "integer" if self.integer else "number"
        return self._json(
            kind,
            minimum=self.minimum,
            maximum=self.maximum,
            exclusiveMinimum=self.exclusive_minimum,
            exclusiveMaximum=self.exclusive_maximum,
            default=self.default,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanField(_Base):
    """Yes or no; an optional one may stay unset."""

    default: bool | None = None

    def check(self, value: Any) -> bool:
        """Return the value, or raise `FieldError`."""
        if not isinstance(value, bool):
            raise FieldError(Sentence("Choose yes or no."))
        return value

    def to_json(self) -> dict[str, Any]:
        """Return the field as a page needs it."""
        return self._json("boolean", default=self.default)


@dataclass(frozen=True, slots=True)
class Option:
    """One of several values to choose from."""

    value: Any
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceField(_Base):
    """One of several texts, numbers or booleans; the answer keeps the type of its option."""

    options: Sequence[Option]
    default: str | int | float | None = None

    def knows(self, value: Any) -> bool:
        """Tell whether the value is one of the options; 1 and true are not the same."""
        return any(type(value) is type(option.value) and value == option.value for option in self.options)

    def check(self, value: Any) -> Any:
        """Return the value, or raise `FieldError`."""
        if not self.knows(value):
            raise FieldError(Sentence("Choose one of the options."))
        return value

    def to_json(self) -> dict[str, Any]:
        """Return the field as a page needs it."""
        return self._json("choice", options=_options(self.options), default=self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesField(_Base):
    """Any number of several strings, each once."""

    options: Sequence[Option]
    min_items: int | None = None
    max_items: int | None = None
    default: tuple[str, ...] | None = None

    def check(self, value: Any) -> list[str]:
        """Return the values, or raise `FieldError`."""
        known = {option.value for option in self.options}
        if not isinstance(value, list) or not all(isinstance(v, str) and v in known for v in value):
            raise FieldError(Sentence("Choose from the options."))
        if len(set(value)) != len(value):
            raise FieldError(Sentence("Choose each option once."))
        if len(value) < max(self.min_items or 0, 1 if self.required else 0):
            raise FieldError(Sentence("Choose at least {count}.", count=max(self.min_items or 0, 1)))
        if self.max_items is not None and len(value) > self.max_items:
            raise FieldError(Sentence("Choose at most {count}.", count=self.max_items))
        return value

    def to_json(self) -> dict[str, Any]:
        """Return the field as a page needs it."""
        return self._json(
            "choices",
            options=_options(self.options),
            minItems=self.min_items,
            maxItems=self.max_items,
            default=list(self.default) if self.default is not None else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesField(_Base):
    """Any number of texts, one a line."""

    min_items: int | None = None
    max_items: int | None = None
    default: tuple[str, ...] | None = None

    def check(self, value: Any) -> list[str]:
        """Return the texts, or raise `FieldError`."""
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise FieldError(Sentence("Enter lines of text."))
        if sum(map(len, value)) > _MAX_TEXT:
            raise FieldError(_at_most(_MAX_TEXT))
        if len(value) < (self.min_items or 0):
            raise FieldError(Sentence("Enter at least {count}.", count=self.min_items))
        if self.max_items is not None and len(value) > self.max_items:
            raise FieldError(Sentence("Enter at most {count}.", count=self.max_items))
        return value

    def to_json(self) -> dict[str, Any]:
        """Return the field as a page needs it."""
        default = list(self.default) if self.default is not None else None
        return self._json("lines", minItems=self.min_items, maxItems=self.max_items, default=default)


Field = TextField | NumberField | BooleanField | ChoiceField | ChoicesField | LinesField


def _options(options: Sequence[Option]) -> list[dict[str, Any]]:
    return [{"value": option.value, "title": option.title} for option in options]


def _at_least(characters: int) -> Sentence:
    if characters == 1:
        return Sentence("Please fill this in.")
    return Sentence("Enter at least {count} characters.", count=characters)


def _at_most(characters: int) -> Sentence:
    return Sentence("Enter at most {count} characters.", count=characters)


def is_endless(number: Any) -> bool:
    """Tell whether a number is infinite or NaN."""
    return isinstance(number, float) and not math.isfinite(number)


def _plain(number: float) -> str:
    if isinstance(number, ExactFloat):
        return number.text
    return str(int(number)) if number == int(number) else str(number)


def _check_format(value: str, name: str) -> None:
    if name == "email" and not _EMAIL.fullmatch(value):
        raise FieldError(Sentence("Enter an e-mail address, like name@example.com."))
    if name == "uri" and not _is_uri(value):
        raise FieldError(Sentence("Enter a full address, like https://example.com."))
    if name == "date" and not _is_date(value):
        raise FieldError(Sentence("Enter a date, like 2026-01-31."))
    if name == "date-time" and not _is_date_time(value):
        raise FieldError(Sentence("Enter a date and time with its offset, like 2026-01-31T12:00:00Z."))


def _is_uri(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    has_target = bool(parts.netloc or parts.path)
    return bool(parts.scheme) and has_target and not any(c.isspace() or ord(c) < 32 for c in value)


def _is_date(value: str) -> bool:
    try:
        return len(value) == 10 and dt.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_date_time(value: str) -> bool:
    if not _DATE_TIME.fullmatch(value):
        return False
    try:
        dt.datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True
