"""What stands for something else in a server's entry: variables, folders, and what an editor asks for."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcpsecurity.own_servers.found import LeftOutError

Ask = Callable[[str, bool], str | None]
"""Asks the person for what a text names, and shows nothing if it is secret; None if nobody can be asked."""

_PLACE = re.compile(r"\$\{\{ *(?:secrets|inputs)\.([\w.-]+) *\}\}|\$\{([^{}]*)\}|\{((?:env|file):[^{}]*)\}")
_BARE = re.compile(r"(?:^|(?<= ))\$([A-Z_][A-Z0-9_]*)(?= |$)")
_VARIABLE = re.compile(r"(?:env[:.])?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_MAX_CONTENT = 64 * 1024
_PREFIX = "INPUT_"
"""Before the name of a variable that answers an editor's question."""


def not_asked(about: str, secret: bool) -> None:
    """Answer None: no person can be asked."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something that an editor asks its user for.

    Attributes:
        needed: whether a server cannot do without it.
    """

    about: str = ""
    secret: bool = False
    needed: bool = True
    default: str | tuple[str, ...] | None = None


@dataclass(slots=True)
class Surroundings:
    """Where a file is read: the person's variables, and how the person is asked."""

    environment: Mapping[str, str]
    ask: Ask
    answers: dict[str, str] = field(default_factory=dict, repr=False)

    def asked(self, name: str, variable: str, wanted: Input) -> str | None:
        """Return what a variable holds or the person says, asked once; None without an answer."""
        if (value := self.environment.get(variable)) is not None:
            return value
        if variable not in self.answers:
            about = f"{name} ({wanted.about})" if wanted.about else name
            self.answers[variable] = self.ask(about, wanted.secret) or ""
        return self.answers[variable] or None


@dataclass(frozen=True, slots=True)
class Places:
    """What the placeholders of one file stand for.

    Attributes:
        folder: the project's, which an editor calls the workspace.
        own: the folder of the file.
        inputs: what the file says that an editor asks for, by name.
    """

    surroundings: Surroundings
    folder: Path
    own: Path
    inputs: Mapping[str, Input] = field(default_factory=dict)

    def filled(self, text: str, *, bare: bool = False) -> str:
        """Return a text with values in place of placeholders; `$NAME` counts, too, if it is `bare`.

        Raises:
            LeftOutError: a value is not known.
        """
        if bare:
            text = _BARE.sub(lambda found: self.surroundings.environment.get(found[1], found[0]), text)
        return _PLACE.sub(self._value, text)

    def filled_all(self, texts: list[Any]) -> Iterator[str]:
        """Give arguments with values in place of placeholders: one that stands for many becomes many."""
        for text in map(str, texts):
            found = re.fullmatch(r"\$\{(?:input:|user_config\.)([^{}]*)\}", text)
            default = self.inputs[found[1]].default if found and found[1] in self.inputs else None
            if found is None or not isinstance(default, tuple):
                yield self.filled(text)
                continue
            given = self.surroundings.environment.get(_PREFIX + _variable_name(found[1]))
            yield from given.split(os.pathsep) if given is not None else map(self.filled, default)

    def _value(self, found: re.Match[str]) -> str:
        secret, name, braced = found.groups()
        if secret is not None:
            return self._variable(secret.rpartition(".")[2], None, found[0])
        name = braced if name is None else name
        kind, colon, rest = name.partition(":")
        if colon and kind == "input":
            return self._input(rest)
        if name.startswith("user_config."):
            return self._input(name.removeprefix("user_config."))
        if colon and kind == "file":
            return self._content(rest)
        if (place := self._place(kind if kind == "workspaceFolder" else name)) is not None:
            return place
        if variable := _VARIABLE.fullmatch(name):
            return self._variable(variable[1], variable[2], found[0])
        raise LeftOutError(f"{found[0]} is known to the editor only; write ${{NAME}} of a variable")

    def _place(self, name: str) -> str | None:
        home, folder = Path.home(), str(self.folder)
        places = {
            **dict.fromkeys(("userHome", "HOME", "home"), str(home)),
            **dict.fromkeys(("workspaceFolder", "workspaceRoot", "cwd", "projectRoot"), folder),
            **dict.fromkeys(("__dirname", "CLAUDE_PLUGIN_ROOT", "extensionPath"), str(self.own)),
            **dict.fromkeys(("pathSeparator", "/"), os.sep),
            **{name.upper(): str(home / name) for name in ("Desktop", "Documents", "Downloads")},
            "workspaceFolderBasename": self.folder.name,
        }
        return places.get(name)

    def _variable(self, name: str, default: str | None, written: str) -> str:
        value = self.surroundings.environment.get(name, default)
        if value is not None:
            return value
        if name[0].islower() and name != name.lower():  # as editors name what they know: fileDirname
            raise LeftOutError(f"{written} is known to the editor only; write ${{NAME}} of a variable")
        raise LeftOutError(f"the variable {name} is not set")

    def _input(self, name: str) -> str:
        wanted = self.inputs.get(name, Input())
        variable = _PREFIX + _variable_name(name)
        default = wanted.default if isinstance(wanted.default, str) else None
        if default is not None or not wanted.needed:
            given = self.surroundings.environment.get(variable)
            return given if given is not None else self.filled(default or "")
        value = self.surroundings.asked(name, variable, wanted)
        if value is None:
            about = f" ({wanted.about})" if wanted.about else ""
            raise LeftOutError(f"it needs the input {name}{about}; set the variable {variable}")
        return value

    def _content(self, name: str) -> str:
        file = self.own / Path(name).expanduser()
        try:
            readable = file.is_file() and file.stat().st_size <= _MAX_CONTENT  # a device has no end
            text = file.read_text("utf-8").strip() if readable else None
        except (OSError, ValueError):
            text = None
        if text is None:
            raise LeftOutError(f"{name}, which it names, cannot be read")
        return text


def _variable_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).upper()
