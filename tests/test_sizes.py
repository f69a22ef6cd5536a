"""Sizes that code keeps: of modules, functions, classes and constructors.

`EXCEPTIONS` lists larger ones with their sizes of today. A size there may only become smaller, and an entry
goes when it is within the limit. `RECORDS` are classes that hold plain values, one field for each.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("server", "webclient", "shared", "tests", "examples", "deploy")
LINES_OF_A_MODULE = 400
LINES_OF_A_FUNCTION = 40
PUBLIC_METHODS = 20
PARAMETERS = 8

Function = ast.FunctionDef | ast.AsyncFunctionDef

EXCEPTIONS = {
    "shared/mcpsecurity/kernel/client.py McpClient parameters": 18,
}
RECORDS = {
    "webclient/mcpsecurity_webclient/chat/conversation.py ChatDependencies",
    "webclient/mcpsecurity_webclient/store/conversations.py Conversation",
    "server/mcpsecurity_server/doctor/model_request.py ModelAnswer",
    "server/mcpsecurity_server/transport/limits.py Limits",
    "shared/mcpsecurity/kernel/model/answer.py Answer",
    "shared/mcpsecurity/kernel/options.py ClientOptions",
    "shared/mcpsecurity/localcloud/entra/directory.py Client",
    "shared/mcpsecurity/localcloud/openmeteo/cities.py City",
    "shared/mcpsecurity/running_demo.py RunningDemo",
    "tests/client/mutations.py Answer",
    "webclient/mcpsecurity_webclient/chat/models.py Message",
    "webclient/mcpsecurity_webclient/chat/models.py PendingFunctionCall",
    "webclient/mcpsecurity_webclient/chat/state.py ConversationState",
}


def test_nothing_is_larger_than_its_limit_or_its_exception() -> None:
    grown = {what: size for what, size in _too_large().items() if size > EXCEPTIONS.get(what, 0)}
    assert grown == {}


def test_no_exception_is_listed_that_keeps_its_limit() -> None:
    assert set(EXCEPTIONS) - set(_too_large()) == set()


def test_only_classes_that_exist_are_records() -> None:
    classes = {
        f"{path} {node.name}"
        for path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    assert classes >= RECORDS


def _too_large() -> dict[str, int]:
    """Return modules, functions and classes above their limits as `PATH NAME`, with their sizes."""
    sizes = dict[str, int]()
    for path, tree in _modules():
        lines = len((ROOT / path).read_text("utf-8").splitlines())
        found = [("lines", lines, LINES_OF_A_MODULE)]
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    found.append((f"{node.name}() lines", _lines(node), LINES_OF_A_FUNCTION))
                case ast.ClassDef():
                    found.append((f"{node.name} public methods", _public_methods(node), PUBLIC_METHODS))
                    if f"{path} {node.name}" not in RECORDS:
                        found.append((f"{node.name} parameters", _parameters(node), PARAMETERS))
                case _:
                    pass
        for what, size, limit in found:
            if size > limit:
                sizes[f"{path} {what}"] = max(size, sizes.get(f"{path} {what}", 0))
    return sizes


@cache
def _modules() -> list[tuple[str, ast.Module]]:
    found = (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    paths = sorted(path for path in found if not {"node_modules", ".venv"} & set(path.parts))
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))) for path in paths]


def _lines(function: Function) -> int:
    """Return the lines from `def` to the end, without the docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    match function.body:
        case [ast.Expr(value=ast.Constant(value=str())) as docstring, *_]:
            return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)
        case _:
            return lines


def _public_methods(kind: ast.ClassDef) -> int:
    return sum(isinstance(node, Function) and not node.name.startswith("_") for node in kind.body)


def _parameters(kind: ast.ClassDef) -> int:
    """Return how many arguments make an instance: those of `__init__`, or the fields of a dataclass."""
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = node.args
            return len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs) - 1
    if any("dataclass" in ast.unparse(decorator) for decorator in kind.decorator_list):
        return sum(isinstance(node, ast.AnnAssign) and _is_argument(node) for node in kind.body)
    return 0


def _is_argument(field: ast.AnnAssign) -> bool:
    hidden = field.value is not None and "init=False" in ast.unparse(field.value)
    return not hidden and "ClassVar" not in ast.unparse(field.annotation)
