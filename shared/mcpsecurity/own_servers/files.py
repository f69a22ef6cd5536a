"""Files with MCP servers: which kind each is, and the servers in it."""

import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mcpsecurity.own_servers.bundles import bundled
from mcpsecurity.own_servers.entries import server_of
from mcpsecurity.own_servers.found import Found, FoundServer, LeftOut, LeftOutError
from mcpsecurity.own_servers.placeholders import Input, Places, Surroundings
from mcpsecurity.own_servers.registry import published
from mcpsecurity.own_servers.relaxed_json import read_relaxed_json

_KEYS: Final = ("mcpServers", "amp.mcpServers", "servers", "mcp_servers", "context_servers")
_MAX_BYTES: Final = 10 * 1024 * 1024
_MAX_VALUES: Final = 100_000


class FileError(ValueError):
    """The file cannot be read, or names no servers; the message says why, with the file's name."""


def read_servers(file: Path, surroundings: Surroundings) -> Found:
    """Return the servers of a file of an editor, of an MCP bundle, or of the MCP registry.

    Raises:
        FileError: it cannot be read, or is of no kind that is known.
    """
    content = _content(file)
    if not isinstance(content, dict):
        raise FileError(f'{file} has neither "mcpServers" nor "servers"')
    places = Places(surroundings, _project(file), file.parent.absolute(), _inputs(content))
    if isinstance(published_server := content.get("server", content), dict) and (
        "packages" in published_server or "remotes" in published_server
    ):
        return _found([(_title(published_server, file), published_server)], published, places)
    if isinstance(content.get("server"), dict):
        return _found([(_title(content, file), content)], bundled, places)
    entries = list(_entries(content, file))
    if not entries:
        raise FileError(f'{file} has neither "mcpServers" nor "servers"')
    return _found(entries, server_of, places)


def _found(entries: list[tuple[str, Any]], reads: Any, places: Places) -> Found:
    servers, left_out = list[FoundServer](), list[LeftOut]()
    for title, entry in entries:
        try:
            servers.append(reads(title, entry, places))
        except LeftOutError as error:
            left_out.append(LeftOut(title, str(error)))
    return Found(tuple(servers), tuple(left_out))


def _content(file: Path) -> Any:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise FileError(f"{file} is larger than {_MAX_BYTES // 1024 // 1024} MB")
        if zipfile.is_zipfile(file):
            raise FileError(f"{file} is an archive: unpack it, and name the manifest.json in it")
        return _parsed(file, file.read_text("utf-8"))
    except OSError as error:
        raise FileError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{file} is no text in UTF-8") from error


def _parsed(file: Path, text: str) -> Any:
    kind = {".toml": "TOML", ".yaml": "YAML", ".yml": "YAML"}.get(file.suffix.lower(), "JSON")
    readers: dict[str, Callable[[str], Any]] = {
        "TOML": tomllib.loads,
        "YAML": _read_yaml,
        "JSON": read_relaxed_json,
    }
    try:
        return readers[kind](text)
    except FileError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileError(f"{file} is no {kind} ({error})") from error


def _read_yaml(text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 - the web chat's packages bring it
    except ImportError:
        raise FileError("a file in YAML is read by the package PyYAML: pip install pyyaml") from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if _is_more_than(node, _MAX_VALUES):
            raise ValueError("it stands for too many values, by its aliases")
        return loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error


def _is_more_than(node: Any, most: int) -> bool:
    """Tell whether a node of YAML has more parts than that; one that is in it twice counts twice.

    What they stand for is made after that only: to merge them may take for ever, too.
    """
    left = [node]
    while left and most > 0:
        part, most = left.pop(), most - 1
        if isinstance(part, tuple | list):  # a key with its value
            left.extend(part)
        elif isinstance(inner := getattr(part, "value", None), list):
            left.extend(inner)
    return bool(left)


def _entries(content: Mapping[str, Any], file: Path) -> Iterator[tuple[str, Any]]:
    """Give the servers of a file by name, wherever its editor keeps them."""
    names = set[str]()
    for group in _groups(content, file):
        for title, entry in _named(group):
            if title not in names:
                names.add(title)
                yield title, entry


def _groups(content: Mapping[str, Any], file: Path) -> Iterator[Any]:
    found = [content[key] for key in _KEYS if isinstance(content.get(key), dict | list)]
    if not found and isinstance(nested := content.get("mcp"), dict):
        found = [nested["servers"] if isinstance(nested.get("servers"), dict) else nested]
    if file.suffix.lower() in (".yaml", ".yml") and isinstance(content.get("extensions"), dict | list):
        found.append(content["extensions"])
    projects = content.get("projects")  # Claude Code keeps servers of single projects in its own file
    for project in projects.values() if isinstance(projects, dict) else ():
        if isinstance(project, dict) and project.get("mcpServers"):
            found.append(project["mcpServers"])
    if not found and content and all(map(_is_server, content.values())):
        found = [content]
    yield from found


def _named(group: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(group, dict):
        yield from ((str(title), entry) for title, entry in group.items())
        return
    for number, entry in enumerate(group if isinstance(group, list) else (), 1):
        title = entry.get("name") if isinstance(entry, dict) else None
        yield str(title or f"server {number}"), entry


def _is_server(entry: Any) -> bool:
    return isinstance(entry, dict) and bool({"command", "url"} & entry.keys())


def _inputs(content: Mapping[str, Any]) -> dict[str, Input]:
    """Return what VS Code asks for, by its `inputs`."""
    nested = content.get("mcp")
    listed = content.get("inputs") or (nested.get("inputs") if isinstance(nested, dict) else None)
    inputs = dict[str, Input]()
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            default = entry.get("default")
            inputs[entry["id"]] = Input(
                about=str(entry.get("description") or ""),
                secret=entry.get("password") is True,
                default=str(default) if default not in (None, "") else None,
            )
    return inputs


def _title(content: Mapping[str, Any], file: Path) -> str:
    title = content.get("display_name") or content.get("title") or content.get("name")
    return str(title).rpartition("/")[2] if title else file.parent.absolute().name


def _project(file: Path) -> Path:
    """Return the folder that the editor has open: the one with the file, or with its `.cursor` and the like.

    For a file of the person's own settings, it is the folder where the command was typed.
    """
    folder, home = file.absolute().parent, Path.home()
    if folder.name.startswith("."):
        folder = folder.parent
    settings = [home / name for name in (".config", "Library", "AppData")]
    own = folder == home or any(folder.is_relative_to(place) for place in settings)
    return Path.cwd() if own or folder == Path(folder.anchor) else folder
