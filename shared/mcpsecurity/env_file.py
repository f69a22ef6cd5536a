"""The file `.env` of the working folder: what it sets, or what to change so that it can be read."""

import io
import re
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from mcpsecurity.runtime.errors import SettingsError

__all__ = ["OURS", "lines_in"]

OURS = re.compile(r"(?:ENTRA|MCP_SERVER|WEBCLIENT|MCPSECURITY|CONSOLE)_\w+", re.IGNORECASE)
"""A name that only settings of this product have."""

_FOREIGN = re.compile(r"[^\w.-]", re.ASCII)
"""What no name has, such as the blanks without width that come with text from web pages."""


def lines_in(file: Path) -> dict[str, str]:
    """Return the names that a file sets, and their values as they stand there; nothing without such a file.

    Raises:
        SettingsError: the file is not UTF-8 text, or a line with a name of ours cannot be read, sets nothing,
            or has a character in its name that no name has. The message names the line and not its value.
    """
    if not file.is_file():
        return {}
    lines = list(parse_stream(io.StringIO(_text_of(file))))
    if faults := [fault for line in lines if (fault := _fault(file, line))]:
        raise SettingsError("\n".join(faults))
    return {line.key: line.value or "" for line in lines if line.key}


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        reason = "this file is not UTF-8 text; save it with the encoding UTF-8"
    except OSError as error:
        reason = f"this file cannot be read ({error.strerror})"
    raise SettingsError(f"{file}: {reason}") from None


def _fault(file: Path, line: Binding) -> str | None:
    """Return what is wrong with a line that would not count; None if it does not concern this product."""
    text = line.original.string
    key = _FOREIGN.sub("", line.key or "")
    name = OURS.search(text) if line.error else OURS.fullmatch(key)
    if name is None:
        return None
    blank_lines = len(text) - len(text.lstrip("\n"))
    place = f"{file}: line {line.original.line + blank_lines}"
    if line.error:
        return f"{place} cannot be read; write {name[0]}=VALUE, and end a quotation where it began"
    if line.value is None:
        return f"{place} sets nothing; write {name[0]}=VALUE"
    if key != line.key:
        return f"{place} has an invisible character in its name; type {name[0]} again"
    return None
