"""Joins the page's modules and style sheets into few files.

Modules may import and export names as ours do: `import { a, b as c } from "./x.js";` at the beginning of a
line, `export` before a function, a class or a constant, and `import("./x.js")` for what is needed rarely.
Comments, indentation and blank lines are left out, so a template literal ends in the line in which it begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from posixpath import dirname, join, normpath

__all__ = ["BundleError", "imported_style_sheets", "join_modules", "join_style_sheets"]

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
_LAZY = re.compile(r'\bimport\("(\.[^"]+)"\)')
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)[ \t]*\n", re.MULTILINE | re.DOTALL)
_INDENTATION = re.compile(r"^\s+", re.MULTILINE)
_CSS_IMPORT = re.compile(r'^@import "(\.[^"]+)";\n', re.MULTILINE)
_CSS_SPACE = re.compile(r"\s*([{};])\s*")
_CSS_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


class BundleError(ValueError):
    """A module has a line that cannot be joined; the message names both."""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module: its code without imports, what it imports (path and names), and what it exports.

    `variable` holds its exports; `lazy` are the paths of what it imports on demand.
    """

    variable: str
    code: str
    imports: tuple[tuple[str, str], ...]
    lazy: tuple[str, ...]
    exports: tuple[str, ...]

    @property
    def needs(self) -> list[str]:
        return [path for path, _ in self.imports]


_Modules = dict[str, _Module]


def join_modules(folder: Path, entry: str) -> dict[str, str]:
    """Return the files that take the place of the modules below `folder`, by name.

    `entry` is the module that the page loads, and the name of its file. A module that is imported on demand
    is in a separate file, with the modules that only it imports.

    Raises:
        BundleError: a module cannot be joined.
        graphlib.CycleError: modules import each other in a circle.
    """
    modules: _Modules = {}
    _read(folder, entry, modules)
    first = _reachable(modules, entry)
    lazy = sorted({path for module in modules.values() for path in module.lazy} - first)
    parts = {path: _reachable(modules, path) - first for path in lazy}
    shared = {path for path in modules if sum(path in part for part in parts.values()) > 1}
    first |= shared
    parts = {path: part - shared for path, part in parts.items()}
    needed = {need for part in parts.values() for path in part for need in modules[path].needs}
    lent = [modules[path].variable for path in sorted(needed & first)]
    borrow = f'import {{ {", ".join(lent)} }} from "./{entry}";\n' if lent else ""
    files = {entry: _joined(modules, first)}
    if lent:
        files[entry] += f"export {{ {', '.join(lent)} }};\n"
    for path, part in parts.items():
        exports = f"export const {{ {', '.join(modules[path].exports)} }} = {modules[path].variable};\n"
        files[_name(path)] = borrow + _joined(modules, part) + exports
    return files


def join_style_sheets(folder: Path, entry: str) -> str:
    """Return a style sheet with those that it imports in their places, without comments."""
    text = (folder / entry).read_text("utf-8")
    whole = _CSS_IMPORT.sub(lambda found: join_style_sheets(folder, _beside(entry, found[1])), text)
    return _CSS_SPACE.sub(r"\1", _CSS_COMMENT.sub("", whole))


def imported_style_sheets(folder: Path, entry: str) -> list[str]:
    """Return the paths of the style sheets that one imports."""
    text = (folder / entry).read_text("utf-8")
    return [_beside(entry, target) for target in _CSS_IMPORT.findall(text)]


def _read(folder: Path, path: str, modules: _Modules) -> None:
    """Read a module and everything that it imports."""
    if path in modules:
        return
    text = _COMMENT.sub("", (folder / path).read_text("utf-8"))
    imports = tuple((_beside(path, target), names) for names, target in _IMPORT.findall(text))
    lazy = tuple(_beside(path, target) for target in _LAZY.findall(text))
    exports = tuple(name for _, name in _EXPORT.findall(text))
    code = _EXPORT.sub(r"\1 \2", _IMPORT.sub("", text))
    if other := _OTHER.search(_LAZY.sub("", code)):
        raise BundleError(f"{path}: {other[0]!r} cannot be joined")
    code = _LAZY.sub(lambda found: f'import("./{_name(_beside(path, found[1]))}")', code)
    if cut := next((line for line in code.splitlines() if line.count("`") % 2), None):
        raise BundleError(f"{path}: {cut!r} begins a template literal of several lines")
    code = _INDENTATION.sub("", code)
    modules[path] = _Module(f"m{len(modules)}", code, imports, lazy, exports)
    for target in (*modules[path].needs, *lazy):
        _read(folder, target, modules)


def _reachable(modules: _Modules, entry: str) -> set[str]:
    """Return a module with its static imports, without those that are imported on demand."""
    found: set[str] = set()
    left = [entry]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left.extend(modules[path].needs)
    return found


def _joined(modules: _Modules, paths: set[str]) -> str:
    """Return modules as blocks, each after those that it needs."""
    order = TopologicalSorter({path: set(modules[path].needs) & paths for path in sorted(paths)})
    blocks = "".join(_block(modules, modules[path]) for path in order.static_order())
    return f"let {', '.join(modules[path].variable for path in sorted(paths))};\n{blocks}"


def _block(modules: _Modules, module: _Module) -> str:
    exports = f"{module.variable} = {{ {', '.join(module.exports)} }};\n"
    return "".join(("{\n", *_constants(modules, module), module.code, exports, "}\n"))


def _constants(modules: _Modules, module: _Module) -> Iterator[str]:
    for path, names in module.imports:
        wanted = " ".join(names.split()).replace(" as ", ": ")
        yield f"const {{ {wanted} }} = {modules[path].variable};\n"


def _beside(path: str, target: str) -> str:
    """Return the path of what a file imports as `target`."""
    return normpath(join(dirname(path), target))


def _name(path: str) -> str:
    """Return the name of the file of a module that is imported on demand."""
    return path.replace("/", "-")
