"""Whether JSON values have the shape of a TypedDict, with nothing else in them."""

from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

__all__ = ["ShapeError", "check_shape"]


class ShapeError(AssertionError):
    """A value is not of its shape; the text says where."""


def check_shape(hint: Any, value: Any, where: str = "value") -> None:
    """Raise `ShapeError` unless `value` is a `hint`: TypedDict, list, dict, Literal, union or plain type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        _check_members(hint, value, where)
    elif origin in (Union, UnionType):
        _check_union(arguments, value, where)
    elif origin is Literal:
        _must(value in arguments, value, where)
    elif origin is list:
        _must(isinstance(value, list), value, where)
        for number, item in enumerate(value):
            check_shape(arguments[0], item, f"{where}[{number}]")
    elif origin is dict:
        _must(isinstance(value, dict), value, where)
        for key, item in value.items():
            check_shape(arguments[1], item, f"{where}.{key}")
    elif hint is float:
        _must(isinstance(value, int | float) and not isinstance(value, bool), value, where)
    elif hint is not Any:
        _must(type(value) is hint, value, where)


def _check_members(shape: type, value: Any, where: str) -> None:
    _must(isinstance(value, dict), value, where)
    members = _members(shape)
    if unknown := value.keys() - members.keys():
        raise ShapeError(f"{where} has unknown members: {sorted(unknown)}")
    for name, (kind, required) in members.items():
        if name in value:
            check_shape(kind, value[name], f"{where}.{name}")
        elif required:
            raise ShapeError(f"{where} lacks {name}")


def _check_union(kinds: tuple[Any, ...], value: Any, where: str) -> None:
    rest = [kind for kind in kinds if kind is not NoneType]
    if value is None and len(rest) < len(kinds):
        return
    for kind in rest[:-1]:
        try:
            check_shape(kind, value, where)
        except ShapeError:
            continue
        return
    check_shape(rest[-1], value, where)


@cache
def _members(shape: type) -> dict[str, tuple[Any, bool]]:
    hints = get_type_hints(shape, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
    return {
        name: (get_args(h)[0] if name in optional else h, name not in optional) for name, h in hints.items()
    }


def _must(fits: bool, value: Any, where: str) -> None:
    if not fits:
        raise ShapeError(f"{where} does not fit: {value!r}")
