"""Whether edited arguments fit a tool's input schema."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError as _SchemaError
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from mcpsecurity.runtime.exact_decimals import ExactFloat
from mcpsecurity.sentences import Sentence

_MAX_ERRORS = 20


def _never(*_: Any) -> None:
    """Pass: a server's regular expressions are not run, because they could take for ever."""


def _in_decimals(validator: Any, bound: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    """Check `multipleOf` by the digits of both numbers: as doubles, 0.3 is not a multiple of 0.1."""
    if validator.is_type(value, "number"):
        with suppress(InvalidOperation):  # for numbers too far apart the server decides
            if _decimal(value) % _decimal(bound):
                yield ValidationError("no multiple")


def _decimal(number: float) -> Decimal:
    return Decimal(number.text if isinstance(number, ExactFloat) else repr(number))


_Safe: type[Validator] = extend(  # type: ignore[no-untyped-call] # its stub has no types
    Draft202012Validator, {"pattern": _never, "patternProperties": _never, "multipleOf": _in_decimals}
)


def argument_errors(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return a message (a `Sentence`) for each argument that does not fit; empty when all do.

    Only references inside the schema are followed. An invalid schema lets everything pass: the server has
    the last word in any case. A problem with no argument of its own has the key "".
    """
    try:
        _Safe.check_schema(dict(schema))
        found = _Safe(dict(schema), registry=Registry()).iter_errors(arguments)
        errors: dict[str, str] = {}
        for error in found:
            name, message = _where(error), _wording(error)
            errors.setdefault(name, message)
            if len(errors) >= _MAX_ERRORS:
                break
    except (_SchemaError, Unresolvable, RecursionError, OverflowError):  # of a number beyond doubles
        return {}
    return errors


def _where(error: Any) -> str:
    if error.absolute_path:
        return str(error.absolute_path[0])
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return str(missing[0]) if missing else ""
    return ""


def _wording(error: Any) -> str:
    rule, bound = str(error.validator), error.validator_value
    if rule == "type":
        kinds = bound if isinstance(bound, list) else [bound]
        return Sentence("This has to be of the type {type}.", type=" / ".join(map(str, kinds)))
    if rule in _WORDINGS:
        return _WORDINGS[rule](bound)
    return Sentence("This does not keep the rule {rule} of the tool's schema.", rule=rule)


_WORDINGS: dict[str, Callable[[Any], Sentence]] = {
    "required": lambda _: Sentence("This argument is needed."),
    "enum": lambda _: Sentence("Choose one of the options."),
    "const": lambda _: Sentence("Choose one of the options."),
    "minimum": lambda bound: Sentence("Enter {minimum} or more.", minimum=bound),
    "maximum": lambda bound: Sentence("Enter {maximum} or less.", maximum=bound),
    "exclusiveMinimum": lambda bound: Sentence("Enter more than {bound}.", bound=bound),
    "exclusiveMaximum": lambda bound: Sentence("Enter less than {bound}.", bound=bound),
    "multipleOf": lambda bound: Sentence("Enter a multiple of {bound}.", bound=bound),
    "minLength": lambda bound: Sentence("Enter at least {count} characters.", count=bound),
    "maxLength": lambda bound: Sentence("Enter at most {count} characters.", count=bound),
    "minItems": lambda bound: Sentence("Enter at least {count}.", count=bound),
    "maxItems": lambda bound: Sentence("Enter at most {count}.", count=bound),
}
