"""One server of a file: the words of many editors for a command, an address, variables and headers."""

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dotenv import dotenv_values

from mcpsecurity.own_servers.found import Client, FoundServer, LeftOutError, Tools, object_in
from mcpsecurity.own_servers.placeholders import Places
from mcpsecurity.server_headers import check_address, checked_headers

_MAX_ENV_FILE: Final = 1024 * 1024
_URLS: Final = ("url", "serverUrl", "httpUrl", "uri")
_TYPES: Final = ("type", "transport", "transportType")
_ENV: Final = ("env", "environment", "envs")
_OF_THE_EDITOR: Final = frozenset({"builtin", "platform", "frontend", "inline_python", "sdk"})


def server_of(title: str, entry: Any, places: Places) -> FoundServer:
    """Return the server of an entry.

    Raises:
        LeftOutError: it is switched off, lacks something, or cannot be used.
    """
    if not isinstance(entry, dict):
        raise LeftOutError("its entry is no object")
    entry = {**entry, **object_in(entry, "config")}
    _check_kind(entry)
    if _command_of(entry):
        return _command(title, entry, places)
    if (url := _first(entry, _URLS)) is not None:
        return _address(title, places.filled(str(url)).strip(), entry, places)
    if "settings" in entry or entry.get("source") == "extension":
        raise LeftOutError("an extension of the editor brings it, and the file does not say how it starts")
    raise LeftOutError('it has neither a "url" nor a "command"')


def _check_kind(entry: Mapping[str, Any]) -> None:
    if entry.get("disabled") is True or entry.get("enabled") is False:
        raise LeftOutError("it is switched off in the file")
    if entry.get("sandboxEnabled") is True:
        raise LeftOutError(
            "the editor runs it in a sandbox, which it would not have here; name its command yourself"
        )
    if _kind(entry) in _OF_THE_EDITOR:
        raise LeftOutError("it is a part of the editor itself")


def _kind(entry: Mapping[str, Any]) -> str:
    kind = _first(entry, _TYPES)
    return kind.lower() if isinstance(kind, str) else ""


def _first(entry: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name)), None)


def _command_of(entry: Mapping[str, Any]) -> list[Any]:
    """Return program and arguments as an entry has them, in one of several shapes."""
    command = _first(entry, ("command", "cmd"))
    arguments = entry.get("args") or []
    if isinstance(command, dict):
        arguments = command.get("args") or arguments
        command = command.get("path")
    if isinstance(command, list):
        return [*command, *_listed(arguments)]
    if not isinstance(command, str) or not command.strip():
        return []
    words = [command]
    if " " in command and shutil.which(command) is None and not Path(command).exists():
        words = _words(command)
    return [*words, *_listed(arguments)]


def _listed(arguments: Any) -> list[Any]:
    if not isinstance(arguments, list):
        raise LeftOutError("its args are no list")
    return arguments


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, posix=os.name != "nt")
    except ValueError as error:
        raise LeftOutError("a quotation mark in its command has no partner") from error


def _command(title: str, entry: Mapping[str, Any], places: Places) -> FoundServer:
    program, *arguments = places.filled_all(_command_of(entry))
    folder = _folder(entry, places)
    variables = _variables(entry, places)
    path = variables.get("PATH", places.surroundings.environment.get("PATH"))
    program = str(Path(program).expanduser()) if program.startswith("~") else program
    if os.sep in program and not Path(program).is_absolute():
        program = str(folder / program)
    if shutil.which(program, path=path) is None:
        raise LeftOutError(f"{program} is not found: install it, or put its folder on PATH")
    return FoundServer(
        title,
        command=(program, *arguments),
        variables=variables,
        folder=folder,
        tools=_tools(entry),
    )


def _folder(entry: Mapping[str, Any], places: Places) -> Path:
    named = _first(entry, ("cwd", "working_directory", "workingDirectory"))
    if named is None:
        return places.folder
    folder = places.folder / Path(places.filled(str(named))).expanduser()
    if not folder.is_dir():
        raise LeftOutError(f"its folder {folder} is not there")
    return folder


def _variables(entry: Mapping[str, Any], places: Places) -> dict[str, str]:
    """Return the variables of a command: of its file of variables, by name, and as the entry has them."""
    command = entry.get("command")
    given = object_in(entry, *_ENV) or (object_in(command, "env") if isinstance(command, dict) else {})
    return {
        **_of_env_file(entry, places),
        **_named(entry, given, places),
        **_texts(given, places),
    }


def _of_env_file(entry: Mapping[str, Any], places: Places) -> dict[str, str]:
    if not (named := _first(entry, ("envFile", "env_file"))):
        return {}
    file = places.folder / Path(places.filled(str(named))).expanduser()
    if not file.is_file():
        raise LeftOutError(f"its file of variables {file} is not there")
    if file.stat().st_size > _MAX_ENV_FILE:
        raise LeftOutError(f"its file of variables {file} is larger than {_MAX_ENV_FILE // 1024} KiB")
    return {name: value or "" for name, value in dotenv_values(file, interpolate=False).items()}


def _named(entry: Mapping[str, Any], given: Mapping[str, Any], places: Places) -> dict[str, str]:
    """Return variables that an entry only names: the person's own have their values."""
    environment = places.surroundings.environment
    secrets = [name for name in _names(entry.get("env_keys")) if name not in given]
    if missing := [name for name in secrets if name not in environment]:
        raise LeftOutError(f"the editor keeps {missing[0]} elsewhere; set this variable")
    names = [*secrets, *_names(entry.get("env_vars"))]
    return {name: environment[name] for name in names if name in environment}


def _names(names: Any) -> Iterator[str]:
    for name in names if isinstance(names, list) else ():
        yield str(name.get("name") if isinstance(name, dict) else name)


def _texts(values: Mapping[str, Any], places: Places) -> dict[str, str]:
    """Return texts by name, with values in place of placeholders. Members that are null are left out."""
    given = {str(name): value for name, value in values.items() if value is not None}
    return {name: places.filled(_text(value), bare=True) for name, value in given.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _address(title: str, url: str, entry: Mapping[str, Any], places: Places) -> FoundServer:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or any(part.isspace() for part in url):
        raise LeftOutError("its address begins with neither http:// nor https://")
    return FoundServer(
        title,
        url,
        headers=_headers(url, entry, places),
        client=_client(entry, places),
        tools=_tools(entry),
    )


def _headers(url: str, entry: Mapping[str, Any], places: Places) -> dict[str, str]:
    environment = places.surroundings.environment
    nested = object_in(object_in(entry, "requestOptions"), "headers")
    headers = _texts(object_in(entry, "headers", "http_headers") or nested, places)
    by_name = {name: str(variable) for name, variable in object_in(entry, "env_http_headers").items()}
    headers |= {name: environment[variable] for name, variable in by_name.items() if variable in environment}
    if isinstance(variable := entry.get("bearer_token_env_var"), str):
        if variable not in environment:
            raise LeftOutError(f"the variable {variable} is not set")
        headers["Authorization"] = f"Bearer {environment[variable]}"
    if isinstance(key := entry.get("apiKey"), str):
        headers.setdefault("Authorization", f"Bearer {places.filled(key, bare=True)}")
    return _sendable(url, headers)


def _sendable(url: str, headers: dict[str, str]) -> dict[str, str]:
    """Return headers that the chat takes: those of HTTP and MCP it writes itself."""
    own = ("accept", "content-type")
    headers = {name: value for name, value in headers.items() if name.lower() not in own}
    if not headers:
        return {}
    try:
        check_address(url)
        checked = checked_headers(headers)
    except ValueError as error:
        raise LeftOutError(f"its headers cannot be sent: {error}") from error
    if any("${" in value for value in checked.values()):
        raise LeftOutError("its headers cannot be sent: a value has ${ in it")
    return checked


def _client(entry: Mapping[str, Any], places: Places) -> Client | None:
    named = _first(entry, ("auth", "oauth"))
    if not isinstance(named, dict):
        return None
    client_id = _first(named, ("CLIENT_ID", "clientId", "client_id"))
    secret = _first(named, ("CLIENT_SECRET", "clientSecret", "client_secret"))
    if client_id is None:
        return None
    return Client(places.filled(str(client_id)), places.filled(str(secret)) if secret is not None else None)


def _tools(entry: Mapping[str, Any]) -> Tools:
    include = _first(entry, ("includeTools", "enabled_tools", "available_tools"))
    if include is None and isinstance(entry.get("tools"), list):
        include = entry["tools"] or None
    exclude = _first(entry, ("excludeTools", "disabled_tools", "disabledTools"))
    return Tools(tuple(_names(include)) if isinstance(include, list) else None, tuple(_names(exclude)))
