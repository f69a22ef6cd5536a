"""A `server.json`, as the MCP registry publishes it: packages to start, and addresses."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mcpsecurity.own_servers.entries import server_of
from mcpsecurity.own_servers.found import FoundServer, LeftOutError, object_in
from mcpsecurity.own_servers.placeholders import Input, Places

_RUNTIMES: Final = {"npm": "npx", "pypi": "uvx", "oci": "docker", "nuget": "dnx"}
_OF_A_VALUE: Final = frozenset({"choices", "format", "isRequired", "placeholder", "valueHint", "value_hint"})
"""The members that describe an option's value; an option without any of them has no value."""
_TEMPLATE: Final = re.compile(r"\{([A-Za-z0-9_.-]+)\}")

_Way = Callable[[Mapping[str, Any], Places], dict[str, Any]]


def published(title: str, server: Mapping[str, Any], places: Places) -> FoundServer:
    """Return the first package or address of a server that can be used here.

    The format is https://github.com/modelcontextprotocol/registry, docs/reference/server-json.

    Raises:
        LeftOutError: none can be used; the message has the reason of the first.
    """
    reasons = list[str]()
    ways: list[tuple[_Way, dict[str, Any]]] = [(_package, entry) for entry in _list(server, "packages")]
    remotes = sorted(_list(server, "remotes"), key=_is_older)
    ways += [(_remote, entry) for entry in remotes]
    for way, entry in ways:
        try:
            return server_of(title, way(entry, places), places)
        except LeftOutError as error:
            reasons.append(str(error))
    raise LeftOutError(reasons[0] if reasons else "it has neither packages nor remotes")


def _package(package: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """Return the entry that starts a package."""
    kind = str(_of(package, "registryType", "registry_type"))
    if object_in(package, "transport").get("type", "stdio") != "stdio":
        raise LeftOutError("its package serves HTTP itself: start it, and name its address")
    if kind not in _RUNTIMES:
        raise LeftOutError(f"a package of the kind {kind!r} cannot be started from here")
    variables = dict(_values(_list(package, "environmentVariables", "environment_variables"), places))
    runtime = _of(package, "runtimeHint", "runtime_hint") or _RUNTIMES[kind]
    options = list(_arguments(_list(package, "runtimeArguments", "runtime_arguments"), places))
    arguments = list(_arguments(_list(package, "packageArguments", "package_arguments"), places))
    return {
        "command": runtime,
        "args": [*_start(kind, runtime, options, variables), _named(kind, package), *arguments],
        "env": variables,
    }


def _start(kind: str, runtime: str, options: list[str], variables: Mapping[str, str]) -> list[str]:
    match kind:
        case "npm" if runtime == "npx":
            return [*([] if {"-y", "--yes"} & {*options} else ["-y"]), *options]
        case "oci":
            passed = [word for name in variables for word in ("-e", name)]
            run = [] if options[:1] == ["run"] else ["run", "-i", "--rm"]
            return [*run, *passed, *options]
        case _:
            return options


def _named(kind: str, package: Mapping[str, Any]) -> str:
    """Return the name of a package with its version, as its runtime takes it."""
    name, version = str(package.get("identifier") or package.get("name") or ""), package.get("version")
    if not version or version == "latest" or (kind == "oci" and ":" in name.rpartition("/")[2]):
        return name
    separator = {"oci": ":"}.get(kind, "@")
    return f"{name}{separator}{version}"


def _is_older(remote: Mapping[str, Any]) -> bool:
    """Tell whether an address has the older transport HTTP+SSE, which is not used beside the other one."""
    return bool(_of(remote, "type", "transport_type") == "sse")


def _remote(remote: Mapping[str, Any], places: Places) -> dict[str, Any]:
    return {
        "type": _of(remote, "type", "transport_type"),
        "url": _value({**remote, "value": remote.get("url")}, "url", places),
        "headers": dict(_values(_list(remote, "headers"), places)),
    }


def _arguments(listed: list[Any], places: Places) -> Iterator[str]:
    for argument in listed:
        name = str(argument.get("name") or "") if argument.get("type") == "named" else ""
        value = _value(argument, str(_of(argument, "valueHint", "value_hint") or name or "argument"), places)
        if name and (value is not None or not _OF_A_VALUE & argument.keys()):
            yield name
        if value is not None:
            yield value


def _values(listed: list[Any], places: Places) -> Iterator[tuple[str, str]]:
    for wanted in listed:
        name = str(wanted.get("name"))
        if (value := _value(wanted, name, places)) is not None:
            yield name, value


def _value(wanted: Mapping[str, Any], name: str, places: Places) -> str | None:
    """Return what a value is: as written, of the person's variables, its default, or as the person says."""
    text = wanted.get("value")
    if text is not None:
        known = wanted.get("variables") or {}
        values = {
            key: _value(known[key], key, places) or "" for key in _TEMPLATE.findall(str(text)) if key in known
        }
        return _TEMPLATE.sub(lambda found: values.get(found[1], found[0]), str(text))
    environment = places.surroundings.environment
    variable = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    default = wanted.get("default")
    required = wanted.get("isRequired", wanted.get("is_required")) is True
    if (given := environment.get(variable, environment.get(variable.upper()))) is not None:
        return given
    if default is not None or not required:
        return str(default) if default is not None else None
    about = str(wanted.get("description") or "")
    secret = wanted.get("isSecret", wanted.get("is_secret")) is True
    value = places.surroundings.asked(name, variable, Input(about, secret))
    if value is None:
        raise LeftOutError(f"it needs {name}{f' ({about})' if about else ''}; set the variable {variable}")
    return value


def _of(entry: Mapping[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _list(entry: Mapping[str, Any], *names: str) -> list[Any]:
    found = _of(entry, *names)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []
