"""The line about a setting that is refused: its key, what is wrong, and what to write."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from mcpsecurity.env_file import OURS

__all__ = ["example_of", "key_of", "misspelt", "not_filled_in", "refusal"]

_WORDS = {
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write {ge} or more",
    "less_than": "write less than {lt}",
    "less_than_equal": "write {le} or less",
    "string_too_long": "write at most {max_length} characters",
    "extra_forbidden": "there is no such setting",
}
"""What to write, by Pydantic's types of errors."""

_LIKE_ITS_EXAMPLE = ("string_pattern_mismatch", "guid", "url")
_ALIKE = 0.9
_PLACEHOLDER = re.compile(r"0{8}(?:-0{4}){3}-0{12}|//YOUR-RESOURCE\.")


def refusal(
    cls: type[BaseSettings],
    loc: tuple[int | str, ...],
    msg: str,
    ctx: dict[str, Any] | None = None,
    **error: Any,
) -> str:
    """Return the line about a refused value, from Pydantic's description of the error."""
    reason = msg.removeprefix("Value error, ")
    if not loc:  # of a validator of the whole, which names the key itself
        return reason
    key = key_of(cls, loc)
    example = example_of(cls, key)
    kind = error["type"]
    if kind == "missing":
        reason = _missing(cls, key, example) if len(loc) == 1 else "not set"
    if example and kind in _LIKE_ITS_EXAMPLE:
        reason = f"write it like {example}"
    if kind in ("tuple_type", "list_type") and len(loc) == 1:
        reason = f"write a list{f' like {example}' if example else ', in brackets'}"
    if kind in _WORDS:
        reason = _WORDS[kind].format(**{name: _number(limit) for name, limit in (ctx or {}).items()})
    return f"{key}: {_within(loc[1:])}{reason}"


def _number(limit: Any) -> Any:
    """Return a limit without .0."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _missing(cls: type[BaseSettings], key: str, example: str | None) -> str:
    """Return that a setting is not set, and what it is."""
    meaning = {key_of(cls, (name,)): field.description for name, field in cls.model_fields.items()}.get(key)
    words = [text for text in ((meaning or "").rstrip("."), f"like {example}" if example else "") if text]
    return f"not set ({'; '.join(words)})" if words else "not set"


def misspelt(cls: type[BaseSettings], given: Iterable[str]) -> Iterator[str]:
    """Yield a line for each given name of ours that is nearly that of a setting which is not given."""
    names = {name.upper() for name in given}
    known = {choice.upper() for name in cls.model_fields for choice in _choices(cls, name)}
    for name in sorted(names - known):
        if OURS.fullmatch(name) and (alike := get_close_matches(name, known - names, 1, _ALIKE)):
            yield f"{name}: there is no such setting; write {alike[0]}"


def not_filled_in(cls: type[BaseSettings], given: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each setting that still has what `.env.example` has in place of a value."""
    values = {name.upper(): value for name, value in given.items()}
    for name in cls.model_fields:
        for key in _choices(cls, name):
            if _PLACEHOLDER.search(values.get(key.upper(), "")):
                yield f"{key}: this is still what .env.example has; write your own value"


def example_of(cls: type[BaseSettings], key: str) -> str | None:
    """Return an example of the value of a key, if its field has one."""
    examples = {key_of(cls, (name,)): field.examples for name, field in cls.model_fields.items()}.get(key)
    return str(examples[0]) if examples else None


def key_of(cls: type[BaseSettings], location: tuple[int | str, ...]) -> str:
    """Return the environment key of the field an error is about."""
    name = str(location[0]) if location else cls.__name__
    return _choices(cls, name)[0]


def _choices(cls: type[BaseSettings], name: str) -> list[str]:
    """Return the environment keys of a field; its name, if it has none."""
    field = cls.model_fields.get(name)
    alias = field.validation_alias if field else None
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [str(alias or name)]


def _within(location: tuple[int | str, ...]) -> str:
    """Return where in a list or an object an error is, as a beginning of its sentence."""
    places = [f"entry {place + 1}" if isinstance(place, int) else place for place in location]
    return f"{', '.join(places)}: " if places else ""
