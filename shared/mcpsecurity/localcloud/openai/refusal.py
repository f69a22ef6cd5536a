"""Azure OpenAI's refusals of a request, with its codes and texts."""

from typing import Any

_KINDS = {str: "a string", list: "an array", dict: "an object", bool: "a boolean", int: "an integer"}


class RefusedError(ValueError):
    """The request is refused. `code` and `param` are the members of Azure's error."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


def kind_of(value: Any) -> str:
    """Return a value's type in words: "a string", "null"."""
    return "null" if value is None else _KINDS.get(type(value), "a decimal")


def missing(param: str) -> RefusedError:
    """Return the refusal of a request without this parameter."""
    text = f"Missing required parameter: '{param}'."
    return RefusedError(text, param=param, code="missing_required_parameter")


def invalid_type(param: str, expected: str, value: Any) -> RefusedError:
    """Return the refusal of a value of another type than `expected`, which is in words."""
    text = f"Invalid type for '{param}': expected {expected}, but got {kind_of(value)} instead."
    return RefusedError(text, param=param, code="invalid_type")


def too_long(param: str, kind: str, limit: int, length: int) -> RefusedError:
    """Return the refusal of a string or an array (`kind`) that is longer than `limit`."""
    text = (
        f"Invalid '{param}': {kind} too long. Expected {_a(kind)} with maximum length {limit}, "
        f"but got {_a(kind)} with length {length} instead."
    )
    return RefusedError(text, param=param, code=f"{kind}_above_max_length")


def check_length(param: str, value: Any, limit: int | None, *, kind: str = "string") -> None:
    """Refuse a value that is not a string (or array), is empty, or is longer than `limit`."""
    if not isinstance(value, str if kind == "string" else list):
        raise invalid_type(param, _a(kind), value)
    if not value:
        text = (
            f"Invalid '{param}': empty {kind}. Expected {_a(kind)} with minimum length 1, "
            f"but got an empty {kind} instead."
        )
        raise RefusedError(text, param=param, code=f"empty_{kind}")
    if limit is not None and len(value) > limit:
        raise too_long(param, kind, limit, len(value))


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "array" else f"a {kind}"
