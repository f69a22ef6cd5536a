"""Names of dependencies that these do not promise to keep: which ones our code uses, and in which module.

Private names are found in the source. A name counts where code reads or sets it on an object (`x._name`,
`getattr(x, "_name")`), and where a class of ours uses it together with a base class from a dependency
(`self._name`). Names that look public and are not documented cannot be found; they are listed by hand.
The lists may only become shorter.
"""

import ast
import builtins
import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("server", "webclient", "shared")
OURS = ("mcpsecurity", "mcpsecurity_server", "mcpsecurity_webclient")
DOCUMENTED = {"_asdict", "_replace"}  # of named tuples
AT_MOST = 40

PRIVATE = {
    "mcpsecurity.client.session": [
        "_handle_response", "_received_request", "_request_id", "_response_streams", "_send_response",
        "_task_group",
    ],
    "mcpsecurity.kernel.context.budgeted": [
        "_inner_get_chat_message_contents", "_inner_get_streaming_chat_message_contents",
    ],
    "mcpsecurity.kernel.model.base": [
        "_reset_function_choice_settings", "_update_function_choice_settings_callback",
    ],
    "mcpsecurity.kernel.model.service": [
        "_inner_get_chat_message_contents", "_inner_get_streaming_chat_message_contents",
    ],
    "mcpsecurity.runtime.service": ["_make_server"],
    "mcpsecurity_server.transport.dispatch.fastmcp_adapter": [
        "_mcp_server", "_request_context", "_tool_manager",
    ],
    "mcpsecurity_server.transport.dispatch.program": ["_custom_starlette_routes"],
    "mcpsecurity_server.transport.dispatch.relay_session": ["_client_params"],
    "mcpsecurity_server.transport.dispatch.server_adapter": ["_tool_cache"],
}  # fmt: skip
UNDOCUMENTED = {
    "mcpsecurity.runtime.service": ["HttpProcessingError", "request_handler"],
    "mcpsecurity_server.transport.dispatch.call_context": [
        "AuthenticatedUser", "auth_context_var", "request_ctx",
    ],
    "mcpsecurity_server.transport.dispatch.fastmcp_adapter": [
        "arg_model", "context_kwarg", "convert_result", "fn", "fn_metadata", "is_async",
        "output_model", "pre_parse_json", "request_handlers", "wrap_output",
    ],
    "mcpsecurity_server.transport.dispatch.server_adapter": ["notification_handlers", "request_handlers"],
    "mcpsecurity_webclient.cli": ["MODEL_DIAGNOSTICS_SETTINGS"],
}  # fmt: skip


def _pairs(table: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    return ((module, name) for module, names in table.items() for name in names)


def test_only_the_listed_private_names_are_used() -> None:
    found = {module: names for module, path in _modules() if (names := _private_names(module, path))}
    used, listed = set(_pairs(found)), set(_pairs(PRIVATE))
    assert sorted(used - listed) == [], "new: use a public name, or list it"
    assert sorted(listed - used) == [], "gone: take it off the list"


@pytest.mark.parametrize(("module", "name"), sorted({*_pairs(UNDOCUMENTED)}))
def test_each_listed_undocumented_name_is_used(module: str, name: str) -> None:
    assert name in _all_names(dict(_modules())[module]), "it is gone: take it off the list"


def test_at_most_forty_are_used() -> None:
    assert len(set(_pairs(PRIVATE))) + len(set(_pairs(UNDOCUMENTED))) <= AT_MOST


@pytest.mark.parametrize("table", [PRIVATE, UNDOCUMENTED], ids=["private", "undocumented"])
def test_the_lists_are_sorted(table: dict[str, list[str]]) -> None:
    assert list(table) == sorted(table)
    assert all(names == sorted(names) for names in table.values())


def _modules() -> Iterator[tuple[str, Path]]:
    """Return our modules and their files; database migrations and `__main__` use nothing of the kind."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            if parts[-1] != "__main__" and "migrations" not in parts:
                yield ".".join(parts).removesuffix(".__init__"), path


def _private_names(module: str, path: Path) -> list[str]:
    """Return the private names of dependencies that a module uses, sorted."""
    tree = _parsed(path)
    own = {name for name in map(_defined_by, ast.walk(tree)) if name}
    used = {name for name in map(_used_by, ast.walk(tree)) if name and _is_private(name)} - own
    for node in tree.body:
        if (
            isinstance(node, ast.ClassDef)
            and (names := _names_of_class(node))
            and _has_other_base(node, tree)
        ):
            used |= _shared_with_dependencies(getattr(importlib.import_module(module), node.name), names)
    return sorted(used)


def _has_other_base(kind: ast.ClassDef, tree: ast.Module) -> bool:
    """Tell whether a base class may come from a dependency: it is neither built in nor from the library."""
    harmless = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in sys.stdlib_module_names
        for alias in node.names
    }
    harmless |= set(dir(builtins))
    return any(ast.unparse(base).split("[")[0] not in harmless for base in kind.bases)


def _all_names(path: Path) -> set[str]:
    tree = _parsed(path)
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _used_by(node: ast.AST) -> str | None:
    """Return the name that an expression reads or sets on an object other than the method's own."""
    match node:
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            return None
        case ast.Attribute(attr=name):
            return name
        case ast.Call(
            func=ast.Name(id="getattr" | "setattr" | "hasattr" | "delattr" | "attrgetter"),
            args=[*_, ast.Constant(str(name))] | [_, ast.Constant(str(name)), _],
        ):
            return name
        case ast.Call(
            func=ast.Attribute(attr="__setattr__" | "__getattribute__" | "__delattr__"),
            args=[_, ast.Constant(str(name)), *_],
        ):
            return name
        case _:
            return None


def _defined_by(node: ast.AST) -> str | None:
    """Return the name that a statement gives to a method or field, or that is used on `self`."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return None


def _shared_with_dependencies(kind: type, names: set[str]) -> set[str]:
    """Return those of a class's private names that a base class from elsewhere uses, too."""
    bases = [base for base in kind.__mro__ if base.__module__.split(".")[0] not in OURS]
    return names.intersection(*[set[str]().union(*map(_names_of_base, bases))])


@cache
def _names_of_base(kind: type) -> set[str]:
    """Return the private names in the source of a class; none for a class without source."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is None or not file.endswith(".py"):
        return set()
    found = (
        node
        for node in ast.walk(_parsed(Path(file)))
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    return set[str]().union(*map(_names_of_class, found))


def _names_of_class(kind: ast.ClassDef) -> set[str]:
    return {name for name in map(_defined_by, ast.walk(kind)) if name and _is_private(name)}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _is_private(name: str) -> bool:
    """Tell whether a name is private. Those of Python's own protocols (`__enter__`) are not."""
    if name.startswith("__"):
        return name.startswith("__pydantic") or not name.endswith("__")
    return name.startswith("_") and name not in DOCUMENTED
