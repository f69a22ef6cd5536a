"""The file `.env` of the working folder: the names in it, or what to change so that it can be read."""

import io
import re
from pathlib import Path

from dotenv.parser import parse_stream

from mcpsecurity.runtime.errors import SettingsError

__all__ = ["OURS", "names_in"]

OURS = re.compile(r"(?:ENTRA|MCP_SERVER|WEBCLIENT|MCPSECURITY|CONSOLE)_\w+", re.IGNORECASE)
"""A name that only settings of this product have."""


def names_in(file: Path) -> set[str]:
    """Return the names that a file sets; none if there is no such file.

    Raises:
        SettingsError: the file is not UTF-8 text, or a line with a name of ours cannot be read. The message
            names the line and not what stands there.
    """
    if not file.is_file():
        return set()
    lines = list(parse_stream(io.StringIO(_text_of(file))))
    if faults := [fault for line in lines if line.error and (fault := _fault(file, *line.original))]:
        raise SettingsError("\n".join(faults))
    return {line.key for line in lines if line.key}


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        reason = "this file is not UTF-8 text; save it with the encoding UTF-8"
    except OSError as error:
        reason = f"this file cannot be read ({error.strerror})"
    raise SettingsError(f"{file}: {reason}") from None


def _fault(file: Path, text: str, line: int) -> str | None:
    """Return what is wrong with a line that cannot be read; None if it does not concern this product."""
    name = OURS.search(text)
    if name is None:
        return None
    number = line + len(text) - len(text.lstrip("\n"))
    return f"{file}: line {number} cannot be read; write {name[0]}=VALUE, and end a quotation where it began"
